/** Ceremonies, codes and proofs that wait for the person's next step, for five minutes each. */
export interface Pending<Item> {
  /** Returns the name of the item. */
  add(item: Item): string;
  /** Returns the item, or `null` if it is unknown, taken or older than five minutes. */
  find(name: string): Item | null;
  /** As `find`, and forgets the item. */
  take(name: string): Item | null;
}

const keepMs = 5 * 60_000;

export function createPending<Item>(now: () => number): Pending<Item> {
  const items = new Map<string, { readonly item: Item; readonly endsAt: number }>();

  function forgetLate(): void {
    for (const [name, { endsAt }] of items) if (endsAt <= now()) items.delete(name);
  }

  function find(name: string): Item | null {
    forgetLate();
    return items.get(name)?.item ?? null;
  }

  return {
    add(item) {
      forgetLate();
      const name = crypto.randomUUID();
      items.set(name, { item, endsAt: now() + keepMs });
      return name;
    },
    find,
    take(name) {
      const item = find(name);
      items.delete(name);
      return item;
    },
  };
}
