import { refuseOperands, runCommand } from "./command.ts";
import { showStep, tell } from "./progress.ts";
import { runBuild } from "./run-build.ts";

const help = `Starts the sidecar. It builds dist/ first if the source has changed since the
last build, and runs the source itself if this account cannot write dist/.

  bun run start

Every setting is an environment variable or a line of the file .env;
src/config/README.md lists them. Without any setting, the sidecar creates an
SQLite database with one demo user, a shared secret and a signing key in ./data.

Ctrl-C or SIGTERM ends it after DRAIN_SECONDS; a second one ends it at once. It
exits 0 then, or 1 after a second signal, 2 on wrong usage, and 78 if a setting
or the user table is wrong or a port cannot be opened.
`;

await runCommand({
  help,
  options: {},
  async run(operands) {
    refuseOperands(operands, "start");
    if (process.stderr.isTTY) showStep("building dist/");
    const { status, complaints } = await runBuild();
    showStep("");
    if (complaints !== "") tell(complaints);
    return () => import(status === 0 ? "../dist/index.js" : "../src/index.ts");
  },
});
