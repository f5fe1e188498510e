import { Redis } from "ioredis";
import type { FaultProxy } from "../../servers/fault-proxy.ts";
import type { History } from "./history.ts";
import { createRandom } from "./random.ts";
import { userKey } from "./redis-admin.ts";
import type { Sidecar } from "./sidecar.ts";
import type { World } from "./world.ts";

/**
 * Changes to hashes by others than sidecars and the operator: they expire, the site invalidates them, and someone
 * forges values.
 */
export interface Outsider extends AsyncDisposable {
  /**
   * Returns how many sets were made between the read of rows and their fill, if the operator was filling at that time.
   */
  setsBeforeFill(): number;
  /** Returns how many values were forged. */
  forged(): number;
  forge(isForging: boolean): void;
}

export interface OutsiderOptions {
  readonly history: History;
  /** The operator's proxy to its database, which holds back rows. */
  readonly rows: FaultProxy;
  /** The users whose values may be forged. They are looked up only through this sidecar, which does not audit hits. */
  readonly forgeable: { readonly loginIds: readonly string[]; readonly sidecar: Sidecar };
  readonly forgery: string;
}

/** Removes a hash as if it had expired. A hash with a marker does not expire. */
const lapse = `
  if redis.call('HEXISTS', KEYS[1], 'n') == 1 then return 0 end
  return redis.call('DEL', KEYS[1])`;

/** Replaces a value that sidecars believe. The next write removes it. */
const forge = `
  if redis.call('HEXISTS', KEYS[1], 'v') == 0 then return 0 end
  redis.call('HSET', KEYS[1], 'v', ARGV[1])
  return 1`;

/** Longer than an operator pauses between batches. */
const heldMs = 170;
/**
 * The longest that an operator has to wait for all users to be written, even on a slow machine. It is much shorter than
 * COHERENCE_STATEMENT_MS.
 */
const writtenMs = 400;
/** How long a fill takes once its row has arrived. */
const fillMs = 25;
const freeMs = 250;
/** How long a forged value remains, so that it is found. */
const forgedMs = 500;

/**
 * Repeats this sequence: it removes all hashes and holds back the operator's rows. Then every user is written, and the
 * new value is removed from Redis, too. Finally the rows are released. Whoever fills with them finds a hash without a
 * value, just as it was when the row was requested. Only the lease token shows that the hash has changed.
 */
export function startOutsider(
  { redis, sidecars, sidecar, site: { loginIds } }: World,
  { history, rows, forgeable, forgery }: OutsiderOptions,
): Outsider {
  const client = new Redis(redis.url());
  client.on("error", () => {});
  const random = createRandom(loginIds.length);
  let isForging = false;
  let isStopped = false;
  let setsBeforeFill = 0;
  let forged = 0;

  const anySidecar = () => sidecar(Math.floor(random() * sidecars.length));
  const run = async (script: string, loginId: string, ...values: string[]) =>
    Number(await client.eval(script, 1, userKey(loginId), ...values));
  const forAll = (each: (loginId: string) => Promise<unknown>) => Promise.all(loginIds.map(each));
  const invalidate = (loginId: string) => anySidecar().invalidate(loginId);

  async function writeBeforeFill(): Promise<void> {
    rows.holdReplies();
    await forAll((loginId) => run(lapse, loginId));
    await Bun.sleep(heldMs);
    const written = forAll(async (loginId) => {
      await history.set(anySidecar(), loginId);
      await (random() < 0.8 ? invalidate(loginId) : run(lapse, loginId));
      setsBeforeFill += 1;
    });
    await Promise.race([written, Bun.sleep(writtenMs)]);
    rows.releaseReplies();
    await written;
    await Bun.sleep(fillMs);
    await forAll(async (loginId) => {
      const isForged = forgeable.loginIds.includes(loginId);
      if (random() < 0.6) await history.get(isForged ? forgeable.sidecar : anySidecar(), loginId);
    });
  }

  async function interfere(): Promise<void> {
    while (!isStopped) {
      await writeBeforeFill();
      for (const loginId of isForging ? forgeable.loginIds : [])
        forged += await run(forge, loginId, `${forgery}${forged}`);
      await Bun.sleep(isForging ? forgedMs : freeMs * random());
    }
  }

  const done = interfere();
  // An error is thrown to the caller that stops the outsider.
  done.catch(() => {});

  return {
    setsBeforeFill: () => setsBeforeFill,
    forged: () => forged,
    forge(is) {
      isForging = is;
    },
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await done.finally(() => client.disconnect());
    },
  };
}
