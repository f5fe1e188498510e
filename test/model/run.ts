/**
 * Runs the model from the command line.
 *
 *   bun test/model/run.ts                   all configurations, and each rule left out in turn
 *   bun test/model/run.ts --without <rule>  the shortest trace to a violation without that rule
 *   bun test/model/run.ts --limits          traces of what the protocol does not promise
 *   bun test/model/run.ts --deep            wider bounds, no merging of states, redundant rules; takes long and needs many GB
 */
import { type Configuration, configurations, deepConfigurations, limits } from "./configurations.ts";
import { allRules, allRulesBut, isRuleName, ruleNames, rules } from "./rules.ts";
import { type Finding, search } from "./search.ts";

const [mode = "", rule = ""] = process.argv.slice(2);

if (mode === "") {
  exhaustAll(configurations, true);
  for (const name of ruleNames) withoutRule(name, false);
} else if (mode === "--without" && isRuleName(rule)) {
  withoutRule(rule, true);
} else if (mode === "--limits") {
  for (const [name, configuration] of Object.entries(limits))
    report(name, () => search({ configuration, rules: allRules, forgets: true }), true);
} else if (mode === "--deep") {
  exhaustAll(configurations, false);
  exhaustAll(deepConfigurations, true);
  for (const name of ruleNames.filter((name) => rules[name].caughtIn === null))
    for (const [place, configuration] of Object.entries(configurations))
      report(`without ${name}, ${place}`, () =>
        search({ configuration, rules: allRulesBut(name), forgets: true }),
      );
} else {
  console.error(
    `Usage: bun test/model/run.ts [--without <rule> | --limits | --deep]\n\n${ruleNames.join("\n")}`,
  );
  process.exitCode = 2;
}

function exhaustAll(all: Readonly<Record<string, Configuration>>, forgets: boolean): void {
  for (const [name, configuration] of Object.entries(all))
    report(forgets ? name : `${name}, without merging`, () =>
      search({ configuration, rules: allRules, forgets }),
    );
}

function withoutRule(name: keyof typeof rules, showsTrace: boolean): void {
  const { caughtIn } = rules[name];
  if (caughtIn === null) {
    console.log(`without ${name}: ${rules[name].rule}`);
    return;
  }
  const world = { configuration: configurations[caughtIn], rules: allRulesBut(name), forgets: true };
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
