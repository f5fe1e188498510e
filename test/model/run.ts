/**
 * Runs the models from the command line.
 *
 *   bun test/model/run.ts                   all configurations, and each rule left out in turn
 *   bun test/model/run.ts --without <rule>  the shortest trace to a violation without that rule
 *   bun test/model/run.ts --limits          traces of what the protocols do not promise
 *   bun test/model/run.ts --deep            coherence with wider bounds, no merging of states, and without redundant
 *                                           rules; takes long and needs many GB
 */
import { coherence, createCoherenceModel } from "./coherence/coherence-model.ts";
import { type Configuration, configurations, deepConfigurations } from "./coherence/configurations.ts";
import { ruleSet } from "./coherence/rules.ts";
import { replayGuard } from "./replay/replay-model.ts";
import { type Finding, search } from "./search.ts";

const protocols = { coherence, "replay guard": replayGuard };
const omissions = { ...coherence.omissions, ...replayGuard.omissions };
const [mode = "", rule = ""] = process.argv.slice(2);

if (mode === "") {
  for (const [protocol, { configurations }] of Object.entries(protocols))
    for (const [name, { search }] of Object.entries(configurations)) report(`${protocol}, ${name}`, search);
  for (const name of Object.keys(omissions)) withoutRule(name, false);
} else if (mode === "--without" && rule in omissions) {
  withoutRule(rule, true);
} else if (mode === "--limits") {
  for (const { limits } of Object.values(protocols))
    for (const [name, { search }] of Object.entries(limits)) report(name, search, true);
} else if (mode === "--deep") {
  exhaustAll(configurations, false);
  exhaustAll(deepConfigurations, true);
  for (const name of ruleSet.names.filter((name) => ruleSet.rules[name].caughtIn === null))
    for (const [place, configuration] of Object.entries(configurations))
      report(`without ${name}, ${place}`, () =>
        search(createCoherenceModel({ configuration, rules: ruleSet.allBut(name), forgets: true })),
      );
} else {
  const names = Object.keys(omissions).join("\n");
  console.error(`Usage: bun test/model/run.ts [--without <rule> | --limits | --deep]\n\n${names}`);
  process.exitCode = 2;
}

function exhaustAll(all: Readonly<Record<string, Configuration>>, forgets: boolean): void {
  for (const [name, configuration] of Object.entries(all))
    report(forgets ? name : `${name}, without merging`, () =>
      search(createCoherenceModel({ configuration, rules: ruleSet.allFollowed, forgets })),
    );
}

function withoutRule(name: string, showsTrace: boolean): void {
  const omission = omissions[name];
  if (omission === undefined) return;
  if (omission.caughtIn === null) console.log(`without ${name}: ${omission.rule}`);
  else report(`without ${name}, ${omission.caughtIn}`, omission.search, showsTrace);
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
