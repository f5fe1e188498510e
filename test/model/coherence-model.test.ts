import { describe, expect, test } from "bun:test";
import { configurations, limits } from "./configurations.ts";
import { allRules, allRulesBut, ruleNames, rules } from "./rules.ts";
import { search } from "./search.ts";

const readme = await Bun.file(new URL("README.md", import.meta.url)).text();
const slowTestMs = 180_000;

describe("the coherence protocol in every interleaving", () => {
  for (const [name, configuration] of Object.entries(configurations)) {
    test(
      `has no stale hit and no false 204 with ${configuration.about}`,
      () => {
        const { violation, states } = search({ configuration, rules: allRules, forgets: true });
        expect({ violation, states }).toEqual({ violation: null, states: statesInReadme(name) });
      },
      slowTestMs,
    );
  }
});

describe("the coherence protocol without one rule", () => {
  for (const name of ruleNames) {
    const { rule, caughtIn } = rules[name];
    if (caughtIn === null) continue;
    test(
      `is violated without the rule: ${rule}`,
      () => {
        const world = {
          configuration: configurations[caughtIn],
          rules: allRulesBut(name),
          forgets: true,
        };
        expect(search(world).violation?.trace).not.toBeEmpty();
      },
      slowTestMs,
    );
  }
});

describe("the coherence protocol beyond its promise", () => {
  for (const configuration of Object.values(limits)) {
    test(`is violated, as the README says, if ${configuration.about}`, () => {
      const { violation } = search({ configuration, rules: allRules, forgets: true });
      expect(violation?.trace).not.toBeEmpty();
    });
  }
});

/** Returns the number of states in the README's table, so that the table is always up to date. */
function statesInReadme(name: string): number {
  const [, count = ""] = readme.match(new RegExp(`^\\| ${name} +\\| +([\\d,]+) +\\|$`, "m")) ?? [];
  return Number(count.replaceAll(",", ""));
}
