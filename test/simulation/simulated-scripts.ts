import type { scripts } from "../../src/store/scripts.ts";
import type { SimulatedKeyspace } from "./simulated-keyspace.ts";

/** What a script finds where it runs. */
export interface ScriptCall {
  readonly redis: SimulatedKeyspace;
  readonly epoch: string;
  readonly epochHex: string;
  /** `KEYS[1]` */
  readonly key: string;
  /** `ARGV[n]`, counted from 1. */
  readonly argv: (n: number) => string;
}

export type Reply = string | number | null | Reply[];
export type SimulatedScript = (call: ScriptCall) => Reply;

/** The scripts of the replay guard are not simulated. */
export type ScriptName = Exclude<keyof typeof scripts, "reopenSeen">;
export type SimulatedScripts = Readonly<Record<ScriptName, SimulatedScript>>;

/**
 * The Lua scripts of src/store/lua, line by line. Tests run both against each other, so that neither changes
 * without the other.
 */
export const simulatedScripts: SimulatedScripts = {
  recordEpoch({ redis, key, argv }) {
    return redis.nowMs - Number(redis.setOnce(key, String(redis.nowMs), Number(argv(1))));
  },

  readHash({ redis, epoch, epochHex, key, argv }) {
    const [heldEpoch, flag = null, heldValue = null, heldToken = null] = redis.hmget(key, "e", "n", "v", "t");
    const isOwn = heldEpoch === epoch;
    const value = isOwn ? heldValue : null;
    let token = isOwn ? heldToken : dropValue(redis, key, epoch, argv(1));
    if (liveMarkers(redis, key, flag, "").count > 0) return ["ask"];
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
    redis.hset(key, { v: argv(3) });
    keepFor(redis, key, argv(4));
    return 1;
  },

  beginWrite({ redis, epoch, epochHex, key, argv }) {
    const marker = `w:${argv(1)}`;
    const { others } = liveMarkers(redis, key, redis.hget(key, "n"), marker);
    const lapses = String(redis.nowMs + Number(argv(3)));
    const token = dropValue(redis, key, epoch, argv(2), { [marker]: lapses, n: "1" });
    if (redis.pttl(key) < Number(argv(3))) redis.pexpire(key, Number(argv(3)));
    return [others === 0 ? 1 : 0, epochHex, token];
  },

  endWrite({ redis, epoch, epochHex, key, argv }) {
    const [heldEpoch = null, heldToken, flag = null] = redis.hmget(key, "e", "t", "n");
    if (heldEpoch === null) return 0;
    const marker = `w:${argv(1)}`;
    const { others, mine } = liveMarkers(redis, key, flag, marker);
    const undisturbed = mine && argv(2) === epochHex && heldEpoch === epoch;
    if (!undisturbed) dropValue(redis, key, epoch, argv(4));
    redis.hdel(key, marker);
    if (others > 0) return 0;
    redis.hdel(key, "n");
    if (!undisturbed || heldToken !== argv(3) || argv(5) === "") {
      redis.pexpire(key, Number(argv(7)));
      return 0;
    }
    redis.hset(key, { v: argv(5) });
    keepFor(redis, key, argv(6));
    return 1;
  },

  purgeHash({ redis, epoch, key, argv }) {
    const [heldEpoch = null, flag = null] = redis.hmget(key, "e", "n");
    if (heldEpoch === null) return 0;
    dropValue(redis, key, epoch, argv(1));
    if (liveMarkers(redis, key, flag, "").count === 0) redis.pexpire(key, Number(argv(2)));
    return 1;
  },
};

function keepFor(redis: SimulatedKeyspace, key: string, lifeMs: string): void {
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
