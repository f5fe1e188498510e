import { loadKeySettings } from "../../src/config/load-config.ts";
import { withRunner } from "../../src/process/greeting.ts";
import { runCommand, UsageWrong } from "../command.ts";
import { commandEnvironment } from "../command-environment.ts";
import type { Report } from "./change.ts";
import { generate } from "./generate.ts";
import { list } from "./list.ts";
import { retireExpired, retireOne } from "./retire.ts";
import { rotateKeys } from "./rotate.ts";

const help = `Manages the keys that sign session tokens. They are in the file that
SESSION_KEYS_FILE names. A running sidecar reloads a change within seconds.

  bun run keys list             show each key's id, algorithm and state, and
                                never the key itself
  bun run keys generate         create the file with a key that signs and a next
                                one. A file that exists is left as it is
  bun run keys rotate           publish a new next key, and let the old next key
                                sign as soon as every verifier knows it. Prints
                                when that is; sidecars switch by themselves
  bun run keys rotate --now     for a key that has leaked: remove the key that
                                signs and let the next one sign at once. Every
                                session that the removed key signed ends
  bun run keys retire           remove the retired keys whose last token has
                                expired. rotate does this, too
  bun run keys retire KID       remove one key: a retired one whose last token
                                has expired, or a next one that has leaked

  --from FILE   generate: sign with this private key (PEM: PKCS#8, SEC1, PKCS#1)
  --now         retire KID: remove a retired key although its tokens are valid
  --json        print JSON

It reads the sidecar's own settings: JWKS_MAX_AGE_SECONDS and the times to live
decide when a key signs, and until when a retired one is needed.

Exits 0 if it is done, 1 if it cannot be done now, 2 on wrong usage, 78 if a
setting or the file is wrong.
`;

/** The operands and options of each action. */
const actions: Readonly<Record<string, { readonly operands: number; readonly options: readonly string[] }>> =
  {
    list: { operands: 0, options: [] },
    generate: { operands: 0, options: ["from"] },
    rotate: { operands: 0, options: ["now"] },
    retire: { operands: 1, options: ["now"] },
  };

await runCommand({
  help,
  options: {
    from: { type: "string" },
    now: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  // One id in 64 begins with a dash: 43 characters of base64url (RFC 7638).
  dashed: /^-[\w-]{42}$/,
  async run([action = "", kid, ...rest], { from, now, json }) {
    refuseWrongUse(action, { count: kid === undefined ? 0 : 1 + rest.length, from, now });
    const configured = loadKeySettings(commandEnvironment());
    const { algorithm } = configured;
    if (algorithm === "HS256") {
      throw new UsageWrong(
        "SESSION_ALG is HS256, whose tokens are signed with SESSION_SECRET: there are no keys.",
      );
    }
    if (action === "retire" && kid === undefined && now) throw new UsageWrong("--now needs the id of a key.");
    const settings = { ...configured, algorithm };
    const report = await act();
    print(report, json);
    return report.isDone ? 0 : 1;

    function act(): Promise<Report> {
      if (action === "generate") return generate(settings, from ?? null);
      if (action === "rotate") return rotateKeys(settings, { isLeaked: now });
      if (action === "list") return list(settings);
      return kid === undefined ? retireExpired(settings) : retireOne(settings, kid, { isForced: now });
    }
  },
});

function refuseWrongUse(
  action: string,
  { count, from, now }: { readonly count: number; readonly from: string | undefined; readonly now: boolean },
): void {
  const takes = actions[action];
  if (takes === undefined || count > takes.operands) {
    throw new UsageWrong("Say what to do: bun run keys list|generate|rotate|retire");
  }
  if (from !== undefined && !takes.options.includes("from"))
    throw new UsageWrong("--from goes with generate.");
  if (now && !takes.options.includes("now")) throw new UsageWrong("--now goes with rotate and retire.");
}

/** Reports a failure on standard error. */
function print({ isDone, lines, facts }: Report, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ done: isDone, ...facts })}\n`);
  const target = isDone ? process.stdout : process.stderr;
  if (!json || !isDone) target.write(`${withRunner(lines.join("\n"))}\n`);
}
