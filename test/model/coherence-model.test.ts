import { describe, expect, test } from "bun:test";
import { configurations, limits } from "./configurations.ts";
import { allRepairs, allRepairsBut, repairNames, repairs } from "./repairs.ts";
import { search } from "./search.ts";

const readme = await Bun.file(new URL("README.md", import.meta.url)).text();
const slowTestMs = 180_000;

describe("the coherence protocol, every interleaving", () => {
  for (const [name, configuration] of Object.entries(configurations)) {
    test(
      `answers no stale hit and no false 204: ${configuration.about}`,
      () => {
        const { violation, states } = search({ configuration, repairs: allRepairs, forgets: true });
        expect({ violation, states }).toEqual({ violation: null, states: statesInReadme(name) });
      },
      slowTestMs,
    );
  }
});

describe("the coherence protocol, one rule left out", () => {
  for (const name of repairNames) {
    const { rule, caughtIn } = repairs[name];
    if (caughtIn === null) continue;
    test(
      `is broken without: ${rule}`,
      () => {
        const world = {
          configuration: configurations[caughtIn],
          repairs: allRepairsBut(name),
          forgets: true,
        };
        expect(search(world).violation?.trace).not.toBeEmpty();
      },
      slowTestMs,
    );
  }
});

describe("the coherence protocol, beyond its promise", () => {
  for (const configuration of Object.values(limits)) {
    test(`is broken where the README says so: ${configuration.about}`, () => {
      const { violation } = search({ configuration, repairs: allRepairs, forgets: true });
      expect(violation?.trace).not.toBeEmpty();
    });
  }
});

/** What the README's table says of a configuration, so that it is never out of date. */
function statesInReadme(name: string): number {
  const [, count = ""] = readme.match(new RegExp(`^\\| ${name} +\\| +([\\d,]+) +\\|$`, "m")) ?? [];
  return Number(count.replaceAll(",", ""));
}
