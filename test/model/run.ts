/**
 * Runs the model by hand.
 *
 *   bun test/model/run.ts                   every configuration, and every rule left out once
 *   bun test/model/run.ts --without <rule>  the shortest way to a violation without that rule, step by step
 *   bun test/model/run.ts --limits          the same for what the protocol does not promise
 *   bun test/model/run.ts --deep            wider bounds, no merging of states, spare rules; a long run, many GB
 */
import { type Configuration, configurations, deepConfigurations, limits } from "./configurations.ts";
import { allRepairs, allRepairsBut, isRepairName, repairNames, repairs } from "./repairs.ts";
import { type Finding, search } from "./search.ts";

const [mode = "", rule = ""] = process.argv.slice(2);

if (mode === "") {
  exhaustAll(configurations, true);
  for (const name of repairNames) withoutRule(name, false);
} else if (mode === "--without" && isRepairName(rule)) {
  withoutRule(rule, true);
} else if (mode === "--limits") {
  for (const [name, configuration] of Object.entries(limits))
    report(name, () => search({ configuration, repairs: allRepairs, forgets: true }), true);
} else if (mode === "--deep") {
  exhaustAll(configurations, false);
  exhaustAll(deepConfigurations, true);
  for (const name of repairNames.filter((name) => repairs[name].caughtIn === null))
    for (const [place, configuration] of Object.entries(configurations))
      report(`without ${name}, ${place}`, () =>
        search({ configuration, repairs: allRepairsBut(name), forgets: true }),
      );
} else {
  console.error(
    `Usage: bun test/model/run.ts [--without <rule> | --limits | --deep]\n\n${repairNames.join("\n")}`,
  );
  process.exitCode = 2;
}

function exhaustAll(all: Readonly<Record<string, Configuration>>, forgets: boolean): void {
  for (const [name, configuration] of Object.entries(all))
    report(forgets ? name : `${name}, nothing merged`, () =>
      search({ configuration, repairs: allRepairs, forgets }),
    );
}

function withoutRule(name: keyof typeof repairs, showsTrace: boolean): void {
  const { caughtIn } = repairs[name];
  if (caughtIn === null) {
    console.log(`without ${name}: ${repairs[name].rule}`);
    return;
  }
  const world = { configuration: configurations[caughtIn], repairs: allRepairsBut(name), forgets: true };
  report(`without ${name}, ${caughtIn}`, () => search(world), showsTrace);
}

function report(name: string, find: () => Finding, showsTrace = false): void {
  const startedAt = performance.now();
  const { states, violation } = find();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const outcome = violation ? `after ${violation.trace.length} steps: ${violation.rule}` : "no violation";
  console.log(`${name}: ${outcome} (${states.toLocaleString("en")} states, ${seconds} s)`);
  if (showsTrace && violation)
    console.log(violation.trace.map((step, at) => `${at + 1}. ${step}`).join("\n"));
}
