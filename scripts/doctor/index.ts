import { type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { commandEnvironment } from "../command-environment.ts";
import { startProgress } from "../progress.ts";
import { outputPage } from "../terminal.ts";
import { worstStatus } from "./check.ts";
import { examine, type Group } from "./examine.ts";
import { countOf, printGroups } from "./printer.ts";

const help = `Examines everything that the sidecar depends on, according to its settings. For
each item it prints whether it is fine, wrong, or working but worth changing,
and the command, SQL or setting that fixes it. Run it as the account that runs
the sidecar.

  bun run doctor

  --quiet                  show only what is wrong or worth changing
  --deadline SECONDS       time limit for one check (default 10). Large tables
                           may need more
  --requests-per-second N  the load for which the memory of Redis is estimated
                           (default 100)
  --json                   print JSON

It reads the whole user table, which is work for the database, and changes
nothing in it. In Redis it writes a few keys of its own, which expire within a
second.

Exits 0 if nothing is wrong, even if there are warnings, 1 if something is
wrong, 2 on wrong usage.
`;

await runCommand({
  help,
  options: {
    deadline: { type: "string", default: "10" },
    "requests-per-second": { type: "string", default: "100" },
    quiet: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  async run(operands, { deadline, "requests-per-second": requests, quiet, json }) {
    if (operands.length > 0) throw new UsageWrong("bun run doctor takes options only.");
    const deadlineMs = amountOf("--deadline", deadline) * 1000;
    const requestsPerSecond = amountOf("--requests-per-second", requests);
    let examined = { done: 0, known: 0 };
    const progress = startProgress(() => ({
      lines: [
        examined.known === 0
          ? "connecting to Redis and the database"
          : `examined ${examined.done} of ${examined.known}`,
      ],
      facts: { step: "doctor", examined: examined.done, of: examined.known },
    }));
    const groups = await examine({
      environment: commandEnvironment(),
      folder: process.cwd(),
      deadlineMs,
      requestsPerSecond,
      now: Date.now,
      onProgress: (done, known) => {
        examined = { done, known };
      },
    });
    progress.end();
    process.stdout.write(json ? asJson(groups) : printGroups(groups, { ...outputPage(), isQuiet: quiet }));
    const items = groups.flatMap((group) => group.items);
    const status: ExitStatus = worstStatus(items) === "wrong" ? 1 : 0;
    return status;
  },
});

function amountOf(option: string, text: string): number {
  const amount = Number(text);
  if (!(amount > 0 && amount <= 1_000_000))
    throw new UsageWrong(`${option} takes a number above 0, up to 1,000,000.`);
  return amount;
}

function asJson(groups: readonly Group[]): string {
  const items = groups.flatMap((group) => group.items);
  const ordered = items.map(({ id, status, title, detail, fix, fixes }) => {
    return { id, status, title, detail, fix, fixes };
  });
  return `${JSON.stringify({ status: worstStatus(items), counts: countOf(items), items: ordered })}\n`;
}
