import { resolve } from "node:path";
import { wrapBeside } from "../../columns.ts";
import { type Command, type ExitStatus, UsageWrong } from "../../command.ts";
import { print, showStep } from "../../progress.ts";
import { parseInteger } from "../../quantities.ts";
import { ServerUnavailable } from "../../servers/server-binaries.ts";
import { builtSidecar } from "../built-sidecar.ts";
import { wrkPath } from "../wrk.ts";
import { floors } from "./floors.ts";
import { LookupsWrong } from "./lookups.ts";
import { type GateResult, isCalm, measureGate, shareOf } from "./measure-gate.ts";
import type { GateRound, Guard } from "./measured-pair.ts";

const help = `Fails if the lookup of a user who is in Redis has become clearly more expensive.
The CPU time that bare, the smallest server that does the same work, needs for a
lookup is divided by that of the sidecar, and the quotient is compared with the
floors in scripts/bench/gate/floors.ts.

  bun run bench gate
  bun run bench gate --entry ../other/src/index.ts

  --entry FILE   measure another sidecar's index.ts instead of this one's build
  --seconds N    how long it may take (default 58)
  --json         print JSON

Rounds are added until both floors hold or the time is over. A round in which a
server waited most of its time for a processor never counts against the sidecar.
The gate does not fail either as long as the quietest round of a floor reaches
it.

Exits 1 if a floor is clearly not reached. Exits 0 if it is reached, and also if
the gate cannot tell: the time was too short, or lookups were answered wrongly
each time, which tests have to find. It is skipped where wrk or Redis is missing
and cannot be installed, and exits 1 then if CI=true.
`;

const options = {
  entry: { type: "string" },
  seconds: { type: "string", default: "58" },
  json: { type: "boolean", default: false },
} as const;

const users = 5000;
const titles: Readonly<Record<Guard, string>> = { guardOff: "guard off", guardOn: "guard on" };

export const gate: Command<typeof options> = {
  help,
  options,
  async run([, ...others], { entry, seconds, json }): Promise<ExitStatus> {
    if (others.length > 0) throw new UsageWrong("Nothing can follow gate but options.");
    const secondsMax = parseInteger("seconds", seconds, { least: 1, most: 600 });
    try {
      wrkPath();
      const chosen = entry === undefined ? await builtSidecar() : resolve(entry);
      const onRound = json ? () => {} : printRound;
      showStep("starting Redis, bare and the sidecar, and warming them up");
      const result = await measureGate({ floors, entry: chosen, users, secondsMax, onRound });
      showStep("");
      process.stdout.write(
        json ? `${JSON.stringify({ ...result, floors }, null, 2)}\n` : conclusionOf(result),
      );
      return Object.values(result.verdicts).includes("fails") ? 1 : 0;
    } catch (error) {
      if (error instanceof LookupsWrong) {
        process.stderr.write(`performance gate not decided, nothing was measured: ${error.message}\n`);
        return 0;
      }
      if (!(error instanceof ServerUnavailable)) throw error;
      const isRequired = process.env.CI === "true";
      process.stderr.write(`performance gate ${isRequired ? "FAILED" : "SKIPPED"}: ${error.message}\n`);
      return isRequired ? 1 : 0;
    }
  },
};

function printRound(round: GateRound, pair: number): void {
  const of = (guard: Guard) =>
    `${titles[guard]} ${round[guard].toFixed(1)} µs, share ${shareOf(round, guard).toFixed(2)}`;
  const bare = `bare ${round.bare.toFixed(1)} µs`;
  const waiting = `waiting ${Math.round(100 * round.waiting)} %${isCalm(round) ? "" : ": not calm"}`;
  print(`${wrapBeside(4, `pair ${pair}: ${bare}; ${of("guardOff")}; ${of("guardOn")}; ${waiting}`)}\n`);
}

function conclusionOf({ shares, verdicts }: GateResult): string {
  const sentences = {
    holds: "holds",
    fails: "FAILS",
    undecided: "not decided, too close to tell",
  };
  const guards = ["guardOff", "guardOn"] as const;
  const lines = guards.map((guard) => {
    const share = shares[guard].toFixed(3);
    return `${titles[guard].padEnd(9)} median share ${share}, floor ${floors[guard]}: ${sentences[verdicts[guard]]}\n`;
  });
  return lines.join("") + (Object.values(verdicts).includes("fails") ? advice : "");
}

const advice = `
A lookup costs clearly more CPU time than when the floor was set. To find out
where the time goes:

  1. Run \`bun run bench gate\` again on a quiet machine, and for the commit
     before with --entry there/src/index.ts.
  2. Run \`bun --cpu-prof --cpu-prof-dir=/tmp dist/index.js\` with REDIS_URL set
     under load, end it with Ctrl-C, and open the .cpuprofile in a browser's
     developer tools.

If the work is worth its time, say so in the commit that lowers
scripts/bench/gate/floors.ts.
`;
