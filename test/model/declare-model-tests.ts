import { describe, expect, test } from "bun:test";
import type { Protocol } from "./protocol.ts";

const slowTestMs = 180_000;

export interface ModelTestsOptions {
  /** The protocol, as the subject of a sentence. */
  readonly subject: string;
  /** What holds in every state, as the predicate. */
  readonly promise: string;
  readonly protocol: Protocol;
  /** Its table names every configuration and its number of states. */
  readonly readme: URL;
}

/** Declares the tests of a protocol: all rules together keep the promise, and none can be left out. */
export async function declareModelTests({
  subject,
  promise,
  protocol,
  readme,
}: ModelTestsOptions): Promise<void> {
  const text = await Bun.file(readme).text();

  /** Returns the number of states in the README's table, so that the table is always up to date. */
  function statesInReadme(name: string): number {
    const [, count = ""] = text.match(new RegExp(`^\\| ${name} +\\| +([\\d,]+) +\\|$`, "m")) ?? [];
    return Number(count.replaceAll(",", ""));
  }

  describe(`${subject} in every interleaving`, () => {
    for (const [name, { about, search }] of Object.entries(protocol.configurations)) {
      test(
        `${promise} with ${about}`,
        () => {
          const { violation, states } = search();
          expect({ violation, states }).toEqual({ violation: null, states: statesInReadme(name) });
        },
        slowTestMs,
      );
    }
  });

  describe(`${subject} without one rule`, () => {
    for (const { rule, caughtIn, search } of Object.values(protocol.omissions)) {
      if (caughtIn === null) continue;
      test(
        `is violated without the rule: ${rule}`,
        () => {
          expect(search().violation?.trace).not.toBeEmpty();
        },
        slowTestMs,
      );
    }
  });

  describe(`${subject} beyond its promise`, () => {
    for (const { about, violates, search } of Object.values(protocol.limits)) {
      test(
        `is violated, as the README says, if ${about}`,
        () => {
          expect(search().violation?.rule).toBe(violates);
        },
        slowTestMs,
      );
    }
  });
}
