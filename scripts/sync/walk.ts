import { type CountedWork, showProgress } from "./progress.ts";
import type { Sides } from "./sides.ts";
import type { ListedUser } from "./user-scan.ts";

/** How a command visits many users. */
export interface Gait {
  /** The number of users in one batch. */
  readonly batch: number;
  /** Maximum number of users a second; `null` means as fast as both sides answer. */
  readonly rate: number | null;
  /** Once it is aborted, no further batch begins. */
  readonly stop: AbortSignal;
  /** The command that continues the work if it is stopped. */
  readonly continuation: string;
}

/** Returns the number of rows, or `null` if counting them takes too long. */
export function countUsers({ scan, patience }: Sides): Promise<number | null> {
  return patience.retry(() => scan.count());
}

/** Yields all users in the order of the table. The next page is requested while the present one is worked on. */
export async function* listedUsers(
  { scan, patience }: Sides,
  after: string | null,
  batch: number,
): AsyncGenerator<readonly ListedUser[]> {
  const list = (previous: string | null) => patience.retry(() => scan.list(previous, batch));
  let coming = list(after);
  for (;;) {
    const page = await coming;
    const last = page.at(-1);
    if (last === undefined) return;
    coming = list(last.loginId);
    // Nothing awaits this page if the walk ends here.
    coming.catch(() => {});
    yield page;
  }
}

/**
 * Does the work page after page, and shows how far it has come. It never exceeds the rate, so it does not catch up what
 * it has missed while a side was silent.
 */
export async function goThrough<Item>(
  { patience }: Pick<Sides, "patience">,
  { rate, stop }: Pick<Gait, "rate" | "stop">,
  work: CountedWork,
  pages: AsyncIterable<readonly Item[]>,
  doOne: (page: readonly Item[]) => Promise<void>,
): Promise<void> {
  const progress = showProgress(work, patience);
  let dueAt = performance.now();
  try {
    for await (const page of pages) {
      if (stop.aborted) return;
      await doOne(page);
      progress.advance(page.length);
      const now = performance.now();
      dueAt = rate === null ? now : Math.max(dueAt + (page.length / rate) * 1000, now);
      if (dueAt > now) await Bun.sleep(dueAt - now);
    }
  } finally {
    progress.end();
  }
}

export function slices<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
