import type { Cluster, Redis } from "ioredis";
import { type Explanation, isOfAnotherType } from "./failures.ts";
import type { RedisKeyspace } from "./keyspace.ts";

export interface InstallationMarkOptions extends Pick<RedisKeyspace, "client" | "masters" | "keys"> {
  /** A digest, in hex, of the database and the table that our hashes belong to. */
  readonly installation: string;
}

const askEveryMs = 1000;
/** A mark that is not renewed lapses, so a database that has moved is reported for at most a day. */
const markLifeMs = 86_400_000;
const renewEveryMs = 60_000;
const searchEveryMs = 3_600_000;
/** The pause between two pages of a search, which visits all keys of a Redis that serves others as well. */
const pauseMs = 10;
const pageSize = 1000;

/**
 * Marks a key prefix as this installation's, and finds others: one that uses the same prefix for another table, and
 * one that uses another prefix for the same table. The first does no harm, since an epoch belongs to one
 * installation. With the second, a write through one prefix leaves the hash under the other one stale.
 */
export function createInstallationMark({ client, masters, keys, installation }: InstallationMarkOptions) {
  let isAnothers = false;
  let rivals: readonly string[] = [];
  let renewedAt = Number.NEGATIVE_INFINITY;
  let searchedAt = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isStopped = false;

  async function claim(): Promise<void> {
    const key = keys.installation;
    let held = await client.get(key);
    held ??= (await client.set(key, installation, "PX", markLifeMs, "NX", "GET")) ?? installation;
    isAnothers = held !== installation;
    if (isAnothers || performance.now() - renewedAt < renewEveryMs) return;
    renewedAt = performance.now();
    await client.pexpire(key, markLifeMs);
  }

  /** If Redis does not answer, the reason is reported elsewhere, and what is known of the mark still holds. */
  async function claimIfPossible(): Promise<void> {
    await claim().catch((error) => {
      // Something else has written the key.
      if (isOfAnotherType(error)) isAnothers = true;
    });
  }

  async function search(): Promise<void> {
    if (performance.now() - searchedAt < searchEveryMs) {
      rivals = await ofThisInstallation(client, rivals, installation);
      return;
    }
    const begunAt = performance.now();
    rivals = await findMarks({ client, masters, keys, installation }, () => isStopped);
    searchedAt = begunAt;
  }

  async function keepAsking(): Promise<void> {
    if (isStopped) return;
    await claimIfPossible();
    await search().catch(() => {});
    if (!isStopped) timer = setTimeout(keepAsking, askEveryMs);
  }

  return {
    /**
     * Starts to poll. Resolves after the first attempt to find out whose mark this prefix holds, and does not wait
     * for the search of other prefixes.
     */
    async start(): Promise<void> {
      await claimIfPossible();
      void keepAsking();
    },

    stop(): void {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
    },

    /** Returns what is wrong with this prefix, or `null` if no conflict is known. */
    conflict(): Explanation | null {
      if (isAnothers) return explainAnothers(keys.installation);
      const [rival] = rivals;
      return rival === undefined ? null : explainRival(keys.installation, rival);
    },
  };
}

/** Returns the marks of this installation under other prefixes. @throws {Error} Redis does not answer */
export async function findMarks(
  { client, masters, keys, installation }: InstallationMarkOptions,
  isStopped: () => boolean = () => false,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const master of masters()) {
    if (master === null) continue;
    let cursor = "0";
    do {
      const [next, page] = await master.scan(cursor, "MATCH", "*installation", "COUNT", pageSize);
      cursor = next;
      found.push(...page.filter((key) => key !== keys.installation));
      if (cursor !== "0") await Bun.sleep(pauseMs);
    } while (cursor !== "0" && !isStopped());
  }
  return ofThisInstallation(client, [...new Set(found)], installation);
}

/** Returns those of these keys that hold this installation's mark. Keys that may not be read are skipped. */
async function ofThisInstallation(
  client: Redis | Cluster,
  marks: readonly string[],
  installation: string,
): Promise<readonly string[]> {
  const held = await Promise.all(marks.map((mark) => client.get(mark).catch(() => null)));
  return marks.filter((_, index) => held[index] === installation);
}

/** `cli` is the beginning of a command line that reaches the server with the mark. */
export function explainAnothers(mark: string, cli = "redis-cli"): Explanation {
  return {
    reason: `the keys under ${prefixOf(mark)} belong to another installation: another database, table or columns`,
    fix: `give each installation a REDIS_KEY_PREFIX of its own. If it is the same data at another address, set REDIS_INSTALLATION in all sidecars to what this prints: ${cli} GET ${mark}. If the other one is gone for good, run: ${cli} DEL ${mark}`,
  };
}

export function explainRival(mark: string, rival: string, cli = "redis-cli"): Explanation {
  return {
    reason: `the same table is kept under ${prefixOf(rival)} as well, so a set through ${prefixOf(mark)} leaves that copy stale`,
    fix: `set one REDIS_KEY_PREFIX in all sidecars of this table, then run, for the other one: ${cli} DEL ${rival}`,
  };
}

function prefixOf(mark: string): string {
  return mark.slice(0, -"installation".length) || "no prefix";
}
