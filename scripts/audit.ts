import { createLoginIdHash } from "../src/audit/login-id-hash.ts";
import { type ExitStatus, runCommand, UsageWrong } from "./command.ts";
import { commandConfig } from "./command-environment.ts";

const help = `Prints how the audit log names a user, so that you can find their entries.

  bun run audit <loginId>

  --json  print JSON

The name is a keyed hash, and its key is derived from OWNID_SHARED_SECRET. If
that holds two secrets, the sidecar uses the first, and this command prints a
line for each. To find entries from before the secret was replaced, run the
command with OWNID_SHARED_SECRET set to the old one.

Exits 0, 2 on wrong usage, 78 if a setting is wrong.
`;

await runCommand({
  help,
  options: { json: { type: "boolean", default: false } },
  async run([loginId, ...rest], { json }): Promise<ExitStatus> {
    if (loginId === undefined || loginId === "" || rest.length > 0)
      throw new UsageWrong("Say whom to look for: bun run audit <loginId>");
    const { signature } = commandConfig();
    const hashes = signature.sharedSecrets.reveal().map((secret) => createLoginIdHash(secret)(loginId));
    process.stdout.write(json ? `${JSON.stringify({ loginIdHashes: hashes })}\n` : `${hashes.join("\n")}\n`);
    return 0;
  },
});
