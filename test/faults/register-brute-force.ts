import type { CheckRules, RegisterOperation } from "../../scripts/faults/register-checker.ts";

/**
 * Returns whether the history of one login id is linearizable, by trying every order. The fast checker is compared with
 * it. It can check a dozen operations.
 */
export function hasLegalOrder(history: readonly RegisterOperation[], { unknownMs }: CheckRules): boolean {
  const counted = history.filter(
    ({ kind, outcome }) => outcome === "ok" || (kind === "set" && outcome === "unknown"),
  );
  const endOf = ({ outcome, invokedAt, returnedAt }: RegisterOperation) =>
    outcome === "unknown" ? invokedAt + unknownMs : (returnedAt ?? Number.POSITIVE_INFINITY);

  function search(left: readonly RegisterOperation[], held: string | null): boolean {
    if (left.length === 0) return true;
    return left.some((next) => {
      if (left.some((other) => other !== next && endOf(other) < next.invokedAt)) return false;
      if (next.kind === "get" && next.value !== held) return false;
      const after = next.kind === "set" ? next.value : held;
      return search(
        left.filter((other) => other !== next),
        after,
      );
    });
  }

  const certain = counted.filter(({ outcome }) => outcome === "ok");
  const perhaps = counted.filter(({ outcome }) => outcome === "unknown");
  return subsetsOf(perhaps).some((happened) => search([...certain, ...happened], null));
}

function subsetsOf<Item>(items: readonly Item[]): Item[][] {
  const [first, ...others] = items;
  if (first === undefined) return [[]];
  return subsetsOf(others).flatMap((subset) => [subset, [first, ...subset]]);
}
