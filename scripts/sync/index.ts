import { DatabaseUnavailable, SidecarError } from "../../src/errors.ts";
import { type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { print } from "../progress.ts";
import { parseWhole } from "../quantities.ts";
import { stopOnSignal } from "../stop-on-signal.ts";
import { push } from "./push.ts";
import { openSides, type Sides } from "./sides.ts";
import { printSummary, type Summary } from "./summary.ts";
import { verify } from "./verify.ts";
import type { Gait } from "./walk.ts";
import { warm } from "./warm.ts";

const help = `Makes the hashes in Redis and the rows of the user table equal, for all users, while sidecars serve and write.

  bun run sync          compare every row and every hash; where they differ, the table wins
  bun run sync verify   compare and report: only reads (exit 1 if anything differs)
  bun run sync warm     fill the hash of every user who has data
  bun run sync push     the table was restored from an old backup: list the hashes that hold another value,
                        and with --yes write them into the table; a row that has changed since is left

  --rate N    at most N users a second
  --batch N   users in one batch, 1 to 5000 (default 500)
  --json      print the summary as JSON
  --resume    warm: go on where the last one was stopped
  --keep      warm: fill without expiry, for sites with REDIS_TTL_SECONDS=0
  --repair    verify: mend what differs, as sync does
  --show      sync, verify, push: print the login ids that differ, a line each
  --yes       push: write what the last push listed; where none did, what differs now

It reads the sidecar's own settings. Ctrl-C finishes the batch under way.
`;

const options = {
  rate: { type: "string" },
  batch: { type: "string", default: "500" },
  json: { type: "boolean", default: false },
  resume: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  repair: { type: "boolean", default: false },
  show: { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
} as const;

type Word = "sync" | "verify" | "warm" | "push";

/** The options that have a meaning for one word only. */
const flags = {
  sync: ["show"],
  verify: ["repair", "show"],
  warm: ["resume", "keep"],
  push: ["yes", "show"],
} as const satisfies Record<Word, readonly (keyof typeof options)[]>;

const again = {
  sync: "Begin again with: bun run sync",
  verify: "Begin again with: bun run sync verify",
  warm: "Begin again with: bun run sync warm, or go on with its --resume",
  push: "Begin again with: bun run sync push",
} as const satisfies Record<Word, string>;

await runCommand({
  help,
  options,
  async run([word = "sync", ...rest], given) {
    if (!isWord(word) || rest.length > 0)
      throw new UsageWrong("Say what to do: bun run sync [verify|warm|push]");
    for (const flag of ["resume", "keep", "repair", "show", "yes"] as const) {
      const isMeant = flags[word].some((known) => known === flag);
      if (given[flag] && !isMeant) throw new UsageWrong(`--${flag} means nothing to ${word}.`);
    }
    const rate =
      given.rate === undefined ? null : parseWhole("rate", given.rate, { least: 1, most: 10_000_000 });
    const batch = parseWhole("batch", given.batch, { least: 1, most: 5000 });
    const gait = {
      rate,
      batch: Math.min(batch, rate ?? batch),
      stop: stopOnSignal("Stopping after this batch."),
    };
    try {
      await using sides = await openSides({ keep: given.keep });
      return printSummary(word, await run(word, sides, gait, given), given.json);
    } catch (error) {
      return tell(error, word);
    }
  },
});

function run(word: Word, sides: Sides, gait: Gait, given: Given): Promise<Summary> {
  const show = given.show
    ? (what: string, loginId: string) => printDifference(what, loginId, given.json)
    : () => {};
  switch (word) {
    case "sync":
      return verify(sides, { ...gait, repair: true, show });
    case "verify":
      return verify(sides, { ...gait, repair: given.repair, show });
    case "warm":
      return warm(sides, { ...gait, resume: given.resume, keep: given.keep });
    case "push":
      return push(sides, { ...gait, yes: given.yes, show });
  }
}

type Given = Readonly<Record<"json" | "resume" | "keep" | "repair" | "show" | "yes", boolean>>;

function isWord(word: string): word is Word {
  return Object.hasOwn(flags, word);
}

function printDifference(what: string, loginId: string, asJson: boolean): void {
  print(asJson ? `${JSON.stringify({ what, loginId })}\n` : `${what}\t${loginId}\n`);
}

/** A side that does not answer ends the work; what was done until then is consistent. */
function tell(error: unknown, word: Word): ExitStatus {
  if (!(error instanceof SidecarError)) throw error;
  const remedy = error instanceof DatabaseUnavailable ? `: ${error.remedy}` : "";
  const reason = `${error.message}${remedy}`.replace(/\.$/, "");
  process.stderr.write(
    `Ended early: ${reason}.\nWhat stands in the way says: bun run doctor\n${again[word]}\n`,
  );
  return 1;
}
