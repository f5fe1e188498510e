import { Redis } from "ioredis";
import type { FaultProxy } from "../../servers/fault-proxy.ts";
import type { History } from "./history.ts";
import { createRandom } from "./random.ts";
import { userKey } from "./redis-admin.ts";
import type { Sidecar } from "./sidecar.ts";
import type { World } from "./world.ts";

/** What happens to hashes besides what sidecars and an operator do: they lapse, the site invalidates, somebody forges. */
export interface Outsider extends AsyncDisposable {
  /** Sets that came between a row and its fill, if the operator was just there. */
  squeezed(): number;
  /** Values that were forged. */
  forged(): number;
  forge(isForging: boolean): void;
}

export interface OutsiderOptions {
  readonly history: History;
  /** The operator's way to its database, on which rows are held up. */
  readonly rows: FaultProxy;
  /** Who get a forged value where there is one; they are looked up through this sidecar, which does not audit. */
  readonly forgeable: { readonly loginIds: readonly string[]; readonly sidecar: Sidecar };
  readonly forgery: string;
}

/** As a hash goes whose time is over: never while a writer's marker keeps it. */
const lapse = `
  if redis.call('HEXISTS', KEYS[1], 'n') == 1 then return 0 end
  return redis.call('DEL', KEYS[1])`;

/** Only in the place of a value that sidecars believe: it is gone with the next write. */
const forge = `
  if redis.call('HEXISTS', KEYS[1], 'v') == 0 then return 0 end
  redis.call('HSET', KEYS[1], 'v', ARGV[1])
  return 1`;

/** Longer than an operator pauses between batches. */
const heldMs = 170;
/** However slow the machine, an operator waits no longer than that for everyone to be written: far less than D. */
const writtenMs = 400;
/** What a fill needs, once its row is there. */
const fillMs = 25;
const freeMs = 250;
/** How long a forged value stands, so that it is found. */
const forgedMs = 500;

/**
 * Again and again all hashes are empty, and the operator's rows are held up; everyone is written, and the new
 * value leaves Redis too; then the rows go on. Whoever fills with them finds a hash without a value, as it was when
 * the row was asked for: only the token tells that it is another one.
 */
export function startOutsider(
  { redis, sidecars, site: { loginIds } }: Pick<World, "redis" | "sidecars" | "site">,
  { history, rows, forgeable, forgery }: OutsiderOptions,
): Outsider {
  const client = new Redis(redis.url());
  client.on("error", () => {});
  const random = createRandom(loginIds.length);
  let isForging = false;
  let isStopped = false;
  let squeezed = 0;
  let forged = 0;

  function anySidecar() {
    const sidecar = sidecars[Math.floor(random() * sidecars.length)];
    if (sidecar === undefined) throw new Error("a world needs sidecars");
    return sidecar;
  }

  const run = async (script: string, loginId: string, ...values: string[]) =>
    Number(await client.eval(script, 1, userKey(loginId), ...values));
  const forAll = (each: (loginId: string) => Promise<unknown>) => Promise.all(loginIds.map(each));
  const invalidate = (loginId: string) => anySidecar().invalidate(loginId);

  async function squeeze(): Promise<void> {
    rows.holdReplies();
    await forAll((loginId) => run(lapse, loginId));
    await Bun.sleep(heldMs);
    const written = forAll(async (loginId) => {
      await history.set(anySidecar(), loginId);
      await (random() < 0.8 ? invalidate(loginId) : run(lapse, loginId));
      squeezed += 1;
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

  async function meddle(): Promise<void> {
    while (!isStopped) {
      await squeeze();
      for (const loginId of isForging ? forgeable.loginIds : [])
        forged += await run(forge, loginId, `${forgery}${forged}`);
      await Bun.sleep(isForging ? forgedMs : freeMs * random());
    }
  }

  const done = meddle();
  // Told when it is stopped.
  done.catch(() => {});

  return {
    squeezed: () => squeezed,
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
