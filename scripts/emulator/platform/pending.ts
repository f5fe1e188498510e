/** Ceremonies, codes and proofs that wait for the person's next step, for five minutes each. */
export interface Pending<Item> {
  /** Returns the name of the item. */
  add(item: Item): string;
  /** Returns the item, or `null` if it is unknown, taken or older than five minutes. */
  find(name: string): Item | null;
  /** Returns the item like `find`, and forgets it. */
  take(name: string): Item | null;
}

const lifetimeMs = 5 * 60_000;

export function createPending<Item>(now: () => number): Pending<Item> {
  const items = new Map<string, { readonly item: Item; readonly expiresAt: number }>();

  function forgetExpired(): void {
    for (const [name, { expiresAt }] of items) if (expiresAt <= now()) items.delete(name);
  }

  function find(name: string): Item | null {
    forgetExpired();
    return items.get(name)?.item ?? null;
  }

  return {
    add(item) {
      forgetExpired();
      const name = crypto.randomUUID();
      items.set(name, { item, expiresAt: now() + lifetimeMs });
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
