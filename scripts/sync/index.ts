import { SidecarError } from "../../src/errors.ts";
import { runCommand, UsageWrong } from "../command.ts";
import { print, showStep, tell } from "../progress.ts";
import { parseDurationMs, parseInteger } from "../quantities.ts";
import { stopOnSignal } from "../stop-on-signal.ts";
import { commandAgain, earlyEndText } from "./early-end.ts";
import { createPatience } from "./patience.ts";
import { push } from "./push.ts";
import { forgetResumePoint, hasResumePoint } from "./resume-point.ts";
import { openSides, type Sides } from "./sides.ts";
import { printSummary, type Summary } from "./summary.ts";
import { verify } from "./verify.ts";
import type { Gait } from "./walk.ts";
import { warm } from "./warm.ts";

const help = `Makes the hash in Redis equal to the row of the user table, for every user,
while sidecars serve and write.

  bun run sync          compare every row with its hash and every hash with its
                        row. Where they differ, the row wins
  bun run sync verify   compare in the same way, report the differences, and
                        write nothing
  bun run sync warm     fill the hash of every user who has data
  bun run sync push     for a table that was restored from an old backup: list
                        the hashes whose value differs from their row, and with
                        --yes write these values into the table. A row that has
                        changed since it was listed is not touched

  --rate N         maximum number of users per second
  --batch N        number of users in one batch, from 1 to 5000 (default 500)
  --patience TIME  how long to wait for Redis or the database while they do not
                   answer, such as 30s or 5m (default 30s). At its start, the
                   command waits for 5 seconds
  --json           print the summary as JSON
  --resume         warm: continue where the last warm stopped
  --keep           warm: fill without expiry, for sites with REDIS_TTL_SECONDS=0
  --repair         verify: repair the differences, as sync does
  --show           sync, verify, push: print the login ids that differ, one per
                   line
  --yes            push: write what the last push listed or, if there is no
                   listing, what differs now

It reads the sidecar's own settings. Ctrl-C ends it after the current batch.

Exits 0 if no hash differed from its row, if warm has gone through every user,
or if push has nothing left to write. Exits 1 if a hash differed, even if it was
repaired; the next run then exits 0. Also exits 1 if it was stopped, or if Redis
or the database did not answer within --patience. Exits 2 on wrong usage, 78 if
a setting or the table is wrong.
`;

const options = {
  rate: { type: "string" },
  batch: { type: "string", default: "500" },
  patience: { type: "string", default: "30s" },
  json: { type: "boolean", default: false },
  resume: { type: "boolean", default: false },
  keep: { type: "boolean", default: false },
  repair: { type: "boolean", default: false },
  show: { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
} as const;

/** The options that are valid for one word only. */
const flags = {
  sync: ["show"],
  verify: ["repair", "show"],
  warm: ["resume", "keep"],
  push: ["yes", "show"],
} as const satisfies Record<string, readonly (keyof typeof options)[]>;

type Word = keyof typeof flags;

await runCommand({
  help,
  options,
  async run([word = "sync", ...rest], given) {
    if (!isWord(word) || rest.length > 0)
      throw new UsageWrong("Say what to do: bun run sync [verify|warm|push]");
    refuseForeignFlags(word, given);
    const rate =
      given.rate === undefined ? null : parseInteger("rate", given.rate, { least: 1, most: 10_000_000 });
    const batch = parseInteger("batch", given.batch, { least: 1, most: 5000 });
    const patienceMs = parseDurationMs("patience", given.patience, { least: 1, most: 86_400_000 });
    const stop = stopOnSignal("Stopping after this batch.");
    const patience = createPatience(patienceMs, stop);
    const continuation = commandAgain(process.argv.slice(2), word === "warm");
    const gait = { rate, batch: Math.min(batch, rate ?? batch), stop, continuation };
    try {
      // A warm that does not complete its first batch leaves nothing to resume.
      if (word === "warm" && !given.resume) forgetResumePoint();
      showStep("connecting to Redis and the database");
      await using sides = await openSides(given.keep, patience);
      showStep("");
      return printSummary(word, await run(word, sides, gait, given), given.json);
    } catch (error) {
      showStep("");
      if (!(error instanceof SidecarError)) throw error;
      const isResumable = given.yes || (word === "warm" && hasResumePoint());
      const next = isResumable ? continuation : commandAgain(process.argv.slice(2), false);
      tell(earlyEndText({ error, waitedMs: patience.waitedMs(), next, isResumable }));
      return 1;
    }
  },
});

/** @throws {UsageWrong} an option is given that is valid for other words only */
function refuseForeignFlags(word: Word, given: Given): void {
  for (const flag of ["resume", "keep", "repair", "show", "yes"] as const) {
    const isOwn = flags[word].some((known) => known === flag);
    const command = word === "sync" ? "bun run sync" : `bun run sync ${word}`;
    if (given[flag] && !isOwn) throw new UsageWrong(`--${flag} is not an option of ${command}.`);
  }
}

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
