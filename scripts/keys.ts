import { loadSetting } from "../src/config/load-config.ts";
import { createSigningKeys, loadSigningKeys } from "../src/sessions/signing-keys.ts";
import { runCommand, UsageWrong } from "./command.ts";
import { commandEnvironment } from "./command-environment.ts";

const help = `Manages the keys that sign session tokens. They are in the file that
SESSION_KEYS_FILE names.

  bun run keys generate   create the file with a new ES256 key. A file that
                          exists is left as it is
  bun run keys list       show the id and the algorithm of each key, and never
                          the key itself

  --json                  print JSON

Exits 0, 1 if generate finds a file already, 2 on wrong usage, 78 if a setting
or the file is wrong.
`;

await runCommand({
  help,
  options: { json: { type: "boolean", default: false } },
  async run([action, ...rest], { json }) {
    if (rest.length > 0 || (action !== "generate" && action !== "list")) {
      throw new UsageWrong("Say what to do: bun run keys generate|list");
    }
    const file = loadSetting(commandEnvironment(), "SESSION_KEYS_FILE");
    if (action === "generate" && !(await createSigningKeys(file))) {
      process.stderr.write(`${file} exists already and was left as it is.\n`);
      return 1;
    }
    const { active, publicKeys } = await loadSigningKeys(file);
    const keys = publicKeys.keys.map(({ kid, alg }) => ({ kid, alg, signs: kid === active.kid }));
    const lines = keys.map(({ kid, alg, signs }) => `${kid}  ${alg}  ${signs ? "signs" : "verifies"}`);
    process.stdout.write(json ? `${JSON.stringify({ file, keys })}\n` : `${file}\n${lines.join("\n")}\n`);
    return 0;
  },
});
