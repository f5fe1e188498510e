import type { Redis } from "ioredis";
import { SessionLedgerUnavailable } from "../errors.ts";
import type { SessionLedger } from "../sessions/session-ledger.ts";
import { explainRedisFailure } from "./failures.ts";
import type { RedisKeyspace } from "./keyspace.ts";
import { prepareCommand } from "./prepared-command.ts";
import { scripts } from "./scripts.ts";

export interface RedisSessionLedgerOptions
  extends Pick<RedisKeyspace, "client" | "masters" | "masterOf" | "epochs" | "keys"> {
  /** How long a revocation is kept, in seconds. It must be longer than any token that it concerns is valid. */
  readonly keepSeconds: number;
  /** Returns the latest `iat`, in seconds, of a token that any sidecar may have issued by now. */
  readonly latestIssueTime: () => number;
}

/** If no key with a number up to this one belongs to a master of the Cluster, that master is not trusted. */
const recordNamesMax = 100_000;
const recordRecentMs = 1000;

const get = prepareCommand<string | null>({ name: "get", replyIn: "text" });

/**
 * Creates the session ledger that any number of sidecars share. Each master has a record that says since when its
 * memory of revocations is complete (`lua/begin-record.lua`). Tokens that are older than the record count as revoked.
 */
export function createRedisSessionLedger(options: RedisSessionLedgerOptions): SessionLedger {
  const { client, masters, masterOf, epochs, keys, keepSeconds, latestIssueTime } = options;
  const keepMs = keepSeconds * 1000;

  /**
   * A master that has just failed is not asked again before it has answered its epoch, since every request would
   * wait.
   */
  function connectedMasterOf(key: string): Redis {
    const master = masterOf(key);
    if (master === null || !epochs.isConnected(master))
      throw new SessionLedgerUnavailable("no connection to the Redis master");
    return master;
  }

  function recordKeyAt(master: Redis): string {
    for (let number = 0; number < recordNamesMax; number += 1) {
      const key = keys.revokedBeforeAll(number);
      if (masterOf(key) === master) return key;
    }
    throw new SessionLedgerUnavailable("a Redis master serves no slot");
  }

  const records = new WeakMap<Redis, { readonly second: number; readonly readAtMs: number }>();

  /**
   * Returns the latest record of all masters as of the last second, which is enough for a session that is being issued;
   * `null` if one of them has not been read since then.
   */
  function recentRecord(): number | null {
    let latest = 0;
    for (const master of everyMaster()) {
      const known = records.get(master);
      if (known === undefined || performance.now() - known.readAtMs >= recordRecentMs) return null;
      latest = Math.max(latest, known.second);
    }
    return latest;
  }

  /**
   * Returns the second up to which every token is revoked, according to this master's record. If the record has
   * another epoch, or the server's epoch is not known at the moment, the server itself decides.
   */
  async function recordedFrom(master: Redis): Promise<number> {
    const key = recordKeyAt(master);
    const readAtMs = performance.now();
    const held = await get(client, key);
    const epoch = held?.split(" ")[1];
    const isOfEpoch = epoch !== undefined && epoch === epochs.epochOf(master);
    const record = isOfEpoch ? held : await scripts.beginRecord(client, key, latestIssueTime());
    const second = Number(record?.split(" ")[0]);
    records.set(master, { second, readAtMs });
    return second;
  }

  async function latestRecord(among: Iterable<Redis>): Promise<number> {
    return Math.max(...(await Promise.all([...new Set(among)].map(recordedFrom))));
  }

  const everyMaster = () => masters().filter((master) => master !== null);

  /** @throws {SessionLedgerUnavailable} for every failure */
  async function ask<Answer>(key: string, question: () => Promise<Answer>): Promise<Answer> {
    const master = connectedMasterOf(key);
    try {
      return await question();
    } catch (error) {
      if (error instanceof SessionLedgerUnavailable || !(error instanceof Error)) throw error;
      epochs.reportFailure(master, error);
      throw new SessionLedgerUnavailable(explainRedisFailure(error).reason);
    }
  }

  return {
    async revoke(id) {
      const key = keys.revoked(id);
      await ask(key, () => client.set(key, "1", "PX", keepMs));
    },

    async revokeUser(user) {
      const key = keys.revokedBefore(user);
      await ask(key, async () => {
        // Since the record began, tokens have been issued with the second after it.
        const second = Math.max(latestIssueTime(), (await latestRecord(everyMaster())) + 1);
        await scripts.revokeUser(client, key, second, keepMs);
      });
    },

    revokedUntil(user) {
      const key = keys.revokedBefore(user);
      return ask(key, async () => {
        const [second, since] = await Promise.all([
          get(client, key),
          recentRecord() ?? latestRecord(everyMaster()),
        ]);
        return Math.max(secondOf(second), since);
      });
    },

    userRevocation(user) {
      const key = keys.revokedBefore(user);
      return ask(key, async () => {
        const [second, keptForMs] = await Promise.all([get(client, key), client.pttl(key)]);
        return second === null || keptForMs < 0 ? null : { until: secondOf(second), keptForMs };
      });
    },

    async isRevoked({ jti, sid, user, issuedAt }) {
      const ofUser = keys.revokedBefore(user);
      const asked = [ofUser, keys.revoked(jti), keys.revoked(sid)];
      return ask(ofUser, async () => {
        const asking = asked.map(connectedMasterOf);
        // The records are read after the keys: if Redis has just lost the keys, the records show it.
        const answers = [Promise.all(asked.map((key) => get(client, key))), latestRecord(asking)] as const;
        const [[second = null, byToken, bySession], since] = await Promise.all(answers);
        return byToken !== null || bySession !== null || issuedAt <= Math.max(secondOf(second), since);
      });
    },

    async recordExchange(jti, forSeconds) {
      const key = keys.exchanged(jti);
      const reply = await ask(key, () => client.set(key, "1", "EX", forSeconds, "NX"));
      return reply === "OK";
    },
  };
}

/**
 * Returns the second of a user's revocation; 0 if there is none.
 *
 * @throws {SessionLedgerUnavailable} another program has written the key
 */
function secondOf(held: string | null): number {
  if (held === null) return 0;
  if (!/^\d{1,15}$/.test(held))
    throw new SessionLedgerUnavailable("a key revoked-before:… in Redis is no number of seconds");
  return Number(held);
}
