import type { scripts } from "../../src/redis/scripts.ts";
import type { SimulatedKeyspace } from "./simulated-keyspace.ts";

/** The context in which a script runs. */
export interface ScriptCall {
  readonly redis: SimulatedKeyspace;
  readonly epoch: string;
  readonly epochHex: string;
  /** `KEYS[1]` */
  readonly key: string;
  /** `ARGV[n]`, counted from 1. */
  readonly argv: (n: number) => string;
  /** How many there are of them. */
  readonly argc: number;
}

export type Reply = string | number | null | Reply[];
export type SimulatedScript = (call: ScriptCall) => Reply;

/** The scripts of the session ledger are not simulated. */
export type ScriptName = Exclude<keyof typeof scripts, "beginRecord" | "revokeUser">;
export type SimulatedScripts = Readonly<Record<ScriptName, SimulatedScript>>;

/** The Lua scripts of src/redis/lua, line by line. Tests compare the two, so that neither changes without the other. */
export const simulatedScripts: SimulatedScripts = {
  recordEpoch({ redis, key, argv }) {
    return redis.nowMs - Number(redis.setOnce(key, String(redis.nowMs), Number(argv(1))));
  },

  readHash({ redis, epoch, epochHex, key, argv }) {
    const held = redis.hmget(key, "e", "n", "v", "t", "s");
    const [heldEpoch, flag = null, heldValue = null, heldToken = null, mark = null] = held;
    const isOwn = heldEpoch === epoch;
    const value = isOwn ? heldValue : null;
    let token = isOwn ? heldToken : dropValue(redis, key, epoch, argv(1));
    const writers = liveMarkers(redis, key, flag, "").count;
    if (staleFor(redis, key, mark) > 0) return ["stale", mark];
    if (writers > 0) return ["ask"];
    if (value !== null) return ["hit", value];
    if (token === null) {
      token = fresh(redis, argv(1));
      redis.hset(key, { t: token });
    }
    redis.pexpire(key, Number(argv(2)));
    return ["miss", token, epochHex];
  },

  fillHash({ redis, epoch, epochHex, key, argv }) {
    const [e, t, n, v] = redis.hmget(key, "e", "t", "n", "v");
    if (epochHex !== argv(1) || e !== epoch || t !== argv(2) || n !== null || v !== null) return 0;
    setValue(redis, key, argv(3), argv(4));
    return 1;
  },

  beginWrite({ redis, epoch, epochHex, key, argv, argc }) {
    const marker = `w:${argv(1)}`;
    const held = redis.hmget(key, "e", "n", "s", "t", "v", "x");
    const [heldEpoch, flag = null, mark = null, token = null, value = null, lock = null] = held;
    const isOwn = heldEpoch === epoch;
    const [heldToken, heldValue] = isOwn ? [token, value] : [null, null];
    const isRepeatable = argc > 3;
    const runsAgain = isRepeatable && heldValue === null && heldToken?.startsWith(`${argv(2)}:`) === true;
    if (isLocked(redis, key, lock) && !runsAgain) return null;
    const { others } = liveMarkers(redis, key, flag, marker);
    const isStale = staleFor(redis, key, mark) > 0 ? 1 : 0;
    const getsLock = runsAgain || (isRepeatable && heldToken === argv(4));
    const name = getsLock || !isRepeatable ? argv(2) : argv(1);
    const besides = { [marker]: lapseIn(redis, argv(3)), n: "1" };
    const newToken = dropValue(redis, key, epoch, name, besides);
    if (getsLock) {
      const heldUntil = runsAgain && lock !== null ? Number.parseInt(lock, 10) : 0;
      const lapses = Math.max(Number(lapseIn(redis, argv(5))), heldUntil);
      redis.hset(key, { x: `${lapses}:${runsAgain ? "" : argv(1)}` });
    }
    if (redis.pttl(key) < Number(argv(3))) redis.pexpire(key, Number(argv(3)));
    return [others === 0 ? 1 : 0, epochHex, newToken, isStale, heldToken, heldValue];
  },

  endWrite({ redis, epoch, epochHex, key, argv }) {
    const held = redis.hmget(key, "e", "t", "n", "s", "x");
    const [heldEpoch = null, heldToken, flag = null, mark = null, lock = null] = held;
    if (heldEpoch === null) return 0;
    if (lock?.replace(/^[^:]*:/, "") === argv(1)) redis.hdel(key, "x");
    const marker = `w:${argv(1)}`;
    const { others, mine } = liveMarkers(redis, key, flag, marker);
    const isProtected = mine && argv(2) === epochHex && heldEpoch === epoch;
    if (!isProtected) dropValue(redis, key, epoch, argv(4));
    redis.hdel(key, marker);
    if (others > 0) return 0;
    redis.hdel(key, "n");
    const staleMs = staleFor(redis, key, mark);
    if (!isProtected || heldToken !== argv(3) || argv(5) === "" || staleMs > 0) {
      redis.pexpire(key, Math.max(Number(argv(7)), staleMs));
      return 0;
    }
    setValue(redis, key, argv(5), argv(6));
    return 1;
  },

  markStale({ redis, epoch, key, argv }) {
    const [heldEpoch, heldToken, mark = null, flag = null] = redis.hmget(key, "e", "t", "s", "n");
    if (mark?.includes(`:${argv(2)}`)) return 1;
    if (heldEpoch !== epoch || heldToken !== argv(1)) return 0;
    const lifeMs = Number(argv(3));
    dropValue(redis, key, epoch, argv(2), { s: `${redis.nowMs + lifeMs}:${argv(2)}` });
    if (flag === null || redis.pttl(key) < lifeMs) redis.pexpire(key, lifeMs);
    return 1;
  },

  clearStale({ redis, key, argv }) {
    if (redis.hget(key, "s") !== argv(1)) return 0;
    redis.hdel(key, "s");
    return 1;
  },

  purgeHash({ redis, epoch, key, argv }) {
    const [heldEpoch = null, flag = null, mark = null, lock = null] = redis.hmget(key, "e", "n", "s", "x");
    if (heldEpoch === null) return 0;
    dropValue(redis, key, epoch, argv(1));
    if (liveMarkers(redis, key, flag, "").count === 0)
      redis.pexpire(key, Math.max(Number(argv(2)), staleFor(redis, key, mark)));
    return isLocked(redis, key, lock) ? 3 : 1;
  },

  reopenSeen({ redis, key, argv }) {
    if (redis.text(key) !== argv(1)) return 0;
    redis.setText(key, argv(2), null);
    return 1;
  },
};

/** `set_value` of shared.lua. */
function setValue(redis: SimulatedKeyspace, key: string, value: string, lifeMs: string): void {
  redis.hset(key, { v: value });
  if (lifeMs === "0") redis.persist(key);
  else redis.pexpire(key, Number(lifeMs));
}

/** `live_markers` of shared.lua. */
export function liveMarkers(redis: SimulatedKeyspace, key: string, flag: string | null, own: string) {
  if (flag === null) return { others: 0, mine: false, count: 0 };
  let others = 0;
  let mine = false;
  for (const [field, lapsesAtMs] of redis.hgetall(key)) {
    if (!field.startsWith("w:")) continue;
    if (Number(lapsesAtMs) <= redis.nowMs) redis.hdel(key, field);
    else if (field === own) mine = true;
    else others += 1;
  }
  if (others === 0 && !mine) redis.hdel(key, "n");
  return { others, mine, count: others + (mine ? 1 : 0) };
}

/** `stale_for` of shared.lua. */
function staleFor(redis: SimulatedKeyspace, key: string, mark: string | null): number {
  if (mark === null) return 0;
  const leftMs = Number.parseInt(mark, 10) - redis.nowMs;
  if (leftMs > 0) return leftMs;
  redis.hdel(key, "s");
  return 0;
}

/** `is_locked` of shared.lua. */
function isLocked(redis: SimulatedKeyspace, key: string, lock: string | null): boolean {
  if (lock === null) return false;
  if (Number.parseInt(lock, 10) > redis.nowMs) return true;
  redis.hdel(key, "x");
  return false;
}

/** `lapse_in` of shared.lua. */
function lapseIn(redis: SimulatedKeyspace, lifeMs: string): string {
  return String(redis.nowMs + Number(lifeMs));
}

/** `fresh` of shared.lua. */
function fresh(redis: SimulatedKeyspace, token: string): string {
  return `${token}:${Math.floor(redis.nowUs / 1_000_000)}:${redis.nowUs % 1_000_000}`;
}

/** `drop_value` of shared.lua. */
export function dropValue(
  redis: SimulatedKeyspace,
  key: string,
  epoch: string,
  token: string,
  besides: Readonly<Record<string, string>> = {},
): string {
  const unused = fresh(redis, token);
  redis.hdel(key, "v");
  redis.hset(key, { e: epoch, t: unused, ...besides });
  return unused;
}
