import { expect, setDefaultTimeout, test } from "bun:test";
import { startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { startRedisSentinel } from "../../scripts/servers/redis-sentinel.ts";
import { type RedisServer, sharedRedis, startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { SessionLedgerUnavailable } from "../../src/errors.ts";
import type { IssuedToken, SessionLedger } from "../../src/sessions/session-ledger.ts";
import { earliestIssueTime, latestIssueTime } from "../../src/sessions/session-token.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import {
  clusterPlace,
  commandCounts,
  type OpenedStore,
  openStore,
  placeOf,
  resetCommandCounts,
  sentinelPlace,
  withRedis,
} from "../support/redis-places.ts";

setDefaultTimeout(30_000);

/** With `everysec`, a Redis that is killed while its disk is slow loses the writes of up to two seconds. */
const aof = { appendonly: "yes", appendfsync: "always" };

type Knowledge = "active" | "revoked" | "unavailable";

async function knowledgeOf({ sessionLedger }: OpenedStore, token: IssuedToken): Promise<Knowledge> {
  try {
    return (await sessionLedger.isRevoked(token)) ? "revoked" : "active";
  } catch (error) {
    if (error instanceof SessionLedgerUnavailable) return "unavailable";
    throw error;
  }
}

/** Two tokens of different users, of which the first one's user is revoked. */
async function issueAndRevoke(ledger: SessionLedger): Promise<[revoked: IssuedToken, active: IssuedToken]> {
  const issue = async (user: string) => ({
    jti: crypto.randomUUID(),
    sid: crypto.randomUUID(),
    user,
    issuedAt: (await ledger.revokedUntil(user)) + 1,
  });
  const tokens: [IssuedToken, IssuedToken] = [await issue("ann"), await issue("bob")];
  await ledger.revokeUser("ann");
  return tokens;
}

/** A store whose clock is a minute ahead when the tokens have been issued, so that no second is shared with what follows. */
async function openLater(server: RedisServer) {
  const clock = { aheadMs: 0 };
  const sessions = { keepSeconds: 3600, latestIssueTime: () => latestIssueTime(Date.now() + clock.aheadMs) };
  const store = openStore(placeOf(server), { sessions });
  await store.filling();
  const tokens = await issueAndRevoke(store.sessionLedger);
  clock.aheadMs = 60_000;
  return { store, tokens };
}

/** Watches a token until the ledger answers again; no answer on the way may be the forbidden one. */
async function firstAnswer(store: OpenedStore, token: IssuedToken, forbidden: Knowledge): Promise<Knowledge> {
  const answers: Knowledge[] = [];
  const hasAnswered = async () => {
    answers.push(await knowledgeOf(store, token));
    return answers.at(-1) !== "unavailable";
  };
  expect(await eventually(hasAnswered, true, 15_000)).toBe(true);
  expect(answers).not.toContain(forbidden);
  return answers.at(-1) ?? "unavailable";
}

describeWithPrivate("redis", "the session ledger when Redis", () => {
  test("is killed and restarts with its append-only file, revokes what was revoked and nothing else", async () => {
    await using server = await startRedis({ settings: aof });
    const { store, tokens } = await openLater(server);
    const [revoked, active] = tokens;
    for (let turn = 0; turn < 2; turn += 1) {
      await server.kill();
      expect(await knowledgeOf(store, active)).toBe("unavailable");
      await server.start();
      expect(await firstAnswer(store, revoked, "active")).toBe("revoked");
      expect(await firstAnswer(store, active, "revoked")).toBe("active");
    }
    store.close();
  });

  test("comes back empty, revokes everything that was issued before", async () => {
    await using server = await startRedis();
    const { store, tokens } = await openLater(server);
    await server.kill();
    await server.start();
    for (const token of tokens) expect(await firstAnswer(store, token, "active")).toBe("revoked");
    const later = { ...tokens[1], issuedAt: (await store.sessionLedger.revokedUntil("bob")) + 1 };
    expect(await knowledgeOf(store, later)).toBe("active");
    store.close();
  });

  test("comes back from a snapshot that is older than a revocation, revokes everything", async () => {
    await using server = await startRedis({ settings: { dbfilename: "dump.rdb" } });
    await using early = openStore(placeOf(server));
    await early.filling();
    await early.sessionLedger.revokedUntil("ann");
    await withRedis(server, (redis) => redis.save());
    const sessions = { keepSeconds: 3600, latestIssueTime: () => latestIssueTime(Date.now() + 60_000) };
    await using store = openStore(placeOf(server), { keyPrefix: early.keyPrefix, sessions });
    await store.filling();
    const tokens = await issueAndRevoke(early.sessionLedger);
    await server.kill();
    await server.start();
    for (const token of tokens) expect(await firstAnswer(store, token, "active")).toBe("revoked");
  });

  test("is a Cluster of which one master comes back empty, makes no revoked token active", async () => {
    await using cluster = await startRedisCluster({ settings: { "cluster-require-full-coverage": "no" } });
    const clock = { aheadMs: 0 };
    const sessions = {
      keepSeconds: 3600,
      latestIssueTime: () => latestIssueTime(Date.now() + clock.aheadMs),
    };
    await using store = openStore(clusterPlace(cluster), { sessions });
    await store.filling();
    const { sessionLedger } = store;
    const tokens = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const issuedAt = (await sessionLedger.revokedUntil(`user ${n}`)) + 1;
        return { jti: crypto.randomUUID(), sid: crypto.randomUUID(), user: `user ${n}`, issuedAt };
      }),
    );
    const knowledge = () => Promise.all(tokens.map((token) => knowledgeOf(store, token)));
    expect(new Set(await knowledge())).toEqual(new Set(["active"]));
    await Promise.all(tokens.map(({ sid }) => sessionLedger.revoke(sid)));
    clock.aheadMs = 60_000;
    await cluster.nodes[1]?.kill();
    await cluster.nodes[1]?.start();
    const isWhole = async () => {
      const known = await knowledge();
      expect(known).not.toContain("active");
      return known.every((answer) => answer === "revoked");
    };
    expect(await eventually(isWhole, true, 15_000)).toBe(true);
  });

  test("is flushed, revokes everything that was issued before", async () => {
    await using server = await startRedis({ settings: aof });
    const { store, tokens } = await openLater(server);
    await withRedis(server, (redis) => redis.flushall());
    for (const token of tokens) expect(await knowledgeOf(store, token)).toBe("revoked");
    store.close();
  });

  test("falls silent, gives no answer, and gives it again when Redis does", async () => {
    await using server = await startRedis({ settings: aof });
    const { store, tokens } = await openLater(server);
    const [revoked, active] = tokens;
    await server.freeze();
    const { sessionLedger } = store;
    const calls = [
      sessionLedger.isRevoked(active),
      sessionLedger.revoke("id"),
      sessionLedger.revokeUser("bob"),
      sessionLedger.revokedUntil("bob"),
      sessionLedger.recordExchange("id", 60),
    ];
    const failures = await Promise.all(calls.map((call) => call.catch((error: unknown) => error)));
    for (const failure of failures) expect(failure).toBeInstanceOf(SessionLedgerUnavailable);
    // From now on, no request waits for an answer that may not come.
    const waits = Bun.sleep(0).then(() => "waits");
    expect(await Promise.race([knowledgeOf(store, active), waits])).toBe("unavailable");
    await server.thaw();
    expect(await firstAnswer(store, revoked, "active")).toBe("revoked");
    store.close();
  });

  test("refuses to write, revokes nothing silently", async () => {
    await using server = await startRedis({ settings: aof });
    const { store } = await openLater(server);
    await withRedis(server, (redis) => redis.config("SET", "maxmemory", "1"));
    const { sessionLedger } = store;
    const calls = [
      sessionLedger.revoke("a"),
      sessionLedger.revokeUser("b"),
      sessionLedger.recordExchange("c", 9),
    ];
    for (const failure of await Promise.all(calls.map((call) => call.catch((error: unknown) => error)))) {
      expect(failure).toBeInstanceOf(SessionLedgerUnavailable);
      expect(String(failure)).toContain("Redis has reached maxmemory");
    }
    store.close();
  });

  test("holds something else where a revocation was, calls no token of the user active", async () => {
    await using store = openStore(placeOf(await sharedRedis()));
    await store.filling();
    const [revoked, active] = await issueAndRevoke(store.sessionLedger);
    await withRedis(await sharedRedis(), (redis) => redis.set(`${store.keyPrefix}revoked-before:ann`, "x"));
    expect(await knowledgeOf(store, revoked)).toBe("unavailable");
    expect(await knowledgeOf(store, active)).toBe("active");
    await store.sessionLedger.revokeUser("ann");
    expect(await knowledgeOf(store, revoked)).toBe("revoked");
  });

  test("is a replica that was promoted, revokes everything: it may lag behind a revocation", async () => {
    await using watched = await startRedisSentinel({ replicas: 1, sentinels: 1 });
    const clock = { aheadMs: 0 };
    const sessions = {
      keepSeconds: 3600,
      latestIssueTime: () => latestIssueTime(Date.now() + clock.aheadMs),
    };
    await using store = openStore(sentinelPlace(watched), { sessions });
    await store.filling();
    for (const server of [watched.master, ...watched.replicas])
      await withRedis(server, (redis) => redis.config("SET", "appendonly", "yes"));
    const tokens = await issueAndRevoke(store.sessionLedger);
    clock.aheadMs = 60_000;
    await watched.master.kill();
    for (const token of tokens) expect(await firstAnswer(store, token, "active")).toBe("revoked");
  });

  test("works, is asked for one key by each session that is issued", async () => {
    await using server = await startRedis();
    await using store = openStore(placeOf(server));
    await store.filling();
    await store.sessionLedger.revokedUntil("ann");
    await resetCommandCounts([server]);
    for (let turn = 0; turn < 100; turn += 1) await store.sessionLedger.revokedUntil(`user ${turn}`);
    expect((await commandCounts([server])).get("get")).toBeLessThan(110);
  });

  test("is a replica, gives no answer", async () => {
    await using master = await startRedis({ settings: aof });
    await using replica = await startRedis({ replicaOf: master });
    const { store, tokens } = await openLater(master);
    const isCopied = () =>
      withRedis(replica, (redis) => redis.exists(`${store.keyPrefix}revoked-before:ann`));
    expect(await eventually(isCopied, 1, 20_000)).toBe(1);
    await using misled = openStore(placeOf(replica), { keyPrefix: store.keyPrefix });
    for (let turn = 0; turn < 20; turn += 1) {
      for (const token of tokens) expect(await knowledgeOf(misled, token)).toBe("unavailable");
      await Bun.sleep(10);
    }
    store.close();
  });

  test("is asked for the first time, vouches for no token that was issued before", async () => {
    await using server = await startRedis();
    await using store = openStore(placeOf(server));
    await store.filling();
    const token = { jti: "1", sid: "2", user: "ann", issuedAt: earliestIssueTime(Date.now()) };
    expect(await knowledgeOf(store, token)).toBe("revoked");
  });
});
