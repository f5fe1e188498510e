/** What waits for the person's next step: a ceremony, a code, a proof. Each is kept for five minutes. */
export interface Pending<Item> {
  /** Returns the name under which it is taken. */
  add(item: Item): string;
  /** `null`: there is no such item, it has been taken, or its time is over. */
  find(name: string): Item | null;
  /** Returns what `find` does, and forgets it. */
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
