import { expect, setDefaultTimeout, test } from "bun:test";
import slotOfKey from "cluster-key-slot";
import { startFaultProxy } from "../../scripts/servers/fault-proxy.ts";
import { startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually, isRejected } from "../../scripts/servers/waiting.ts";
import { createKeys } from "../../src/redis/keys.ts";
import { issueOnce } from "../../src/replay/signed-use.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { fill } from "../support/hot-copy-steps.ts";
import { clusterPlace, openStore, placeOf, singlePlace, withRedis } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

const newMac = () => crypto.getRandomValues(new Uint8Array(32));
/** Signed after any memory here began. */
const later = () => Date.now() + 1000;

describeWithPrivate("redis", "the replay guard while Redis is away", () => {
  test("goes on in the process, keeps what it claimed there, and says when it falls back and returns", async () => {
    await using server = await startRedis({ settings: { appendonly: "yes", appendfsync: "always" } });
    await using store = openStore(placeOf(server));
    await store.filling();
    const { replayGuard } = store;
    const [before, signedBefore] = [newMac(), Date.now() - 1];
    await replayGuard.claim(before, "session", later());
    await server.kill();
    const [set, session] = [newMac(), newMac()];
    expect(await replayGuard.claim(before, "session", signedBefore)).toBe("open");
    expect(await replayGuard.claim(set, "set", later())).toBe("run");
    await replayGuard.settle(set, "set", "done");
    expect(await replayGuard.claim(session, "session", later())).toBe("run");
    expect(await replayGuard.claim(session, "session", later())).toBe("refuse");
    await server.start();
    const returned = async () => {
      await replayGuard.claim(newMac(), "get", later());
      return store.events.includes("returned");
    };
    expect(await eventually(returned, true)).toBe(true);
    expect(await replayGuard.claim(set, "set", later())).toBe("repeat");
    expect(await replayGuard.claim(session, "session", later())).toBe("refuse");
    expect(await replayGuard.claim(before, "session", later())).toBe("refuse");
    expect(await replayGuard.claim(newMac(), "set", signedBefore)).toBe("open");
    expect(store.events.filter((event) => event === "fell back" || event === "returned")).toEqual([
      "fell back",
      "returned",
    ]);
  });

  test("gives no second session at a sidecar that has Redis for one that was given by a sidecar without", async () => {
    await using server = await startRedis();
    await using proxy = await startFaultProxy({ host: "127.0.0.1", port: server.port });
    await using cutOff = openStore(singlePlace(proxy, [server]));
    await using connected = openStore(placeOf(server), { keyPrefix: cutOff.keyPrefix });
    await Promise.all([cutOff.filling(), connected.filling()]);
    proxy.holdReplies();
    await cutOff.replayGuard.claim(newMac(), "get", Date.now());
    expect(cutOff.events).toContain("fell back");
    const signature = { mac: newMac(), signedAtMs: later() };
    expect(await issueOnce(cutOff.replayGuard, signature, async () => "first")).toBe("first");
    // The success is told to Redis, though no reply comes back.
    const isTold = () => withRedis(server, async (redis) => (await redis.keys("*seen:*")).length > 1);
    expect(await eventually(isTold, true)).toBe(true);
    const second = issueOnce(connected.replayGuard, signature, async () => "second");
    expect(await isRejected(second)).toBe(true);
  });

  test("vouches for nothing that was signed before a Redis that came back empty", async () => {
    await using server = await startRedis();
    await using store = openStore(placeOf(server));
    await store.filling();
    const [mac, signedAt] = [newMac(), Date.now()];
    expect(await store.replayGuard.claim(mac, "session", signedAt)).toBe("run");
    await store.replayGuard.settle(mac, "session", "done");
    await server.kill();
    await server.start();
    for (let turn = 0; turn < 50; turn += 1) {
      expect(await store.replayGuard.claim(mac, "session", signedAt)).not.toBe("run");
      await Bun.sleep(10);
    }
    expect(store.isLive()).toBe(true);
    expect(await store.replayGuard.claim(newMac(), "session", later())).toBe("run");
  });

  test("vouches for nothing that was signed before one master of a Cluster came back empty", async () => {
    await using cluster = await startRedisCluster({ settings: { "cluster-require-full-coverage": "no" } });
    await using store = openStore(clusterPlace(cluster));
    await store.filling();
    const [macs, signedAt] = [Array.from({ length: 30 }, newMac), Date.now()];
    for (const mac of macs) {
      expect(await store.replayGuard.claim(mac, "session", signedAt)).toBe("run");
      await store.replayGuard.settle(mac, "session", "done");
    }
    await cluster.nodes[1]?.kill();
    await cluster.nodes[1]?.start();
    const copiesThatRun = async () => {
      const claims = await Promise.all(macs.map((mac) => store.replayGuard.claim(mac, "session", signedAt)));
      return claims.filter((claim) => claim === "run").length;
    };
    const isBack = async () => {
      expect(await copiesThatRun()).toBe(0);
      return store.liveMasters();
    };
    expect(await eventually(isBack, 3, 10_000)).toBe(3);
    for (let turn = 0; turn < 20; turn += 1) expect(await copiesThatRun()).toBe(0);
  });

  test("vouches for nothing whose claim Redis may have taken without answering", async () => {
    await using server = await startRedis();
    await using proxy = await startFaultProxy({ host: "127.0.0.1", port: server.port });
    await using store = openStore(singlePlace(proxy, [server]));
    await using other = openStore(placeOf(server), { keyPrefix: store.keyPrefix });
    await Promise.all([store.filling(), other.filling()]);
    // A first outage, so that the guard has been in the process before the request is signed.
    proxy.cut();
    await store.replayGuard.claim(newMac(), "get", later());
    expect(await eventually(async () => store.isLive(), true)).toBe(true);
    const [mac, signedAt] = [newMac(), Date.now()];
    expect(await other.replayGuard.claim(mac, "session", signedAt)).toBe("run");
    await other.replayGuard.settle(mac, "session", "done");
    proxy.holdReplies();
    expect(await store.replayGuard.claim(mac, "session", signedAt)).toBe("open");
  });

  test.each([
    ["set", "repeat"],
    ["session", "refuse"],
  ] as const)(
    "asks Redis about a %s that failed in this process, since another sidecar may have run a copy",
    async (endpoint, copy) => {
      await using server = await startRedis();
      await using proxy = await startFaultProxy({ host: "127.0.0.1", port: server.port });
      await using cutOff = openStore(singlePlace(proxy, [server]));
      await using connected = openStore(placeOf(server), { keyPrefix: cutOff.keyPrefix });
      await Promise.all([cutOff.filling(), connected.filling()]);
      const [done, again] = [newMac(), newMac()];
      proxy.holdReplies();
      await cutOff.replayGuard.claim(newMac(), "get", Date.now());
      for (const mac of [done, again]) {
        expect(await cutOff.replayGuard.claim(mac, endpoint, later())).toBe("run");
        await cutOff.replayGuard.settle(mac, endpoint, "failed");
      }
      expect(await connected.replayGuard.claim(done, endpoint, later())).toBe("run");
      await connected.replayGuard.settle(done, endpoint, "done");
      proxy.cut();
      proxy.passThrough();
      expect(await eventually(async () => cutOff.isLive(), true)).toBe(true);
      expect(await cutOff.replayGuard.claim(done, endpoint, later())).toBe(copy);
      const claims = Array.from({ length: 10 }, () => cutOff.replayGuard.claim(again, endpoint, later()));
      expect((await Promise.all(claims)).filter((claim) => claim === "run").length).toBe(1);
      await cutOff.replayGuard.settle(again, endpoint, "failed");
      expect(await connected.replayGuard.claim(again, endpoint, later())).toBe("run");
    },
  );

  test("runs no signature twice while the masters of a Cluster are lost one after another", async () => {
    await using cluster = await startRedisCluster({
      masters: 5,
      settings: { "cluster-require-full-coverage": "no" },
    });
    await using store = openStore(clusterPlace(cluster));
    await store.filling();
    const ran = new Map<Uint8Array, number>();
    const used: { mac: Uint8Array; signedAtMs: number }[] = [];
    const claimAll = async () => {
      for (const { mac, signedAtMs } of used) {
        const claim = await store.replayGuard.claim(mac, "session", signedAtMs);
        if (claim === "run") ran.set(mac, (ran.get(mac) ?? 0) + 1);
      }
    };
    for (const node of cluster.nodes) {
      const fresh = Array.from({ length: 12 }, () => ({ mac: newMac(), signedAtMs: Date.now() }));
      used.push(...fresh);
      await claimAll();
      await node.kill();
      await claimAll();
      // What is signed from now on may run, although a master is away.
      await Bun.sleep(1);
    }
    expect(Math.max(...ran.values())).toBe(1);
    expect(ran.size).toBeGreaterThan(12);
  });

  test.each(["set", "session"] as const)(
    "does not believe a snapshot that a %s failed, since a copy may have succeeded after it",
    async (endpoint) => {
      await using server = await startRedis();
      await using store = openStore(placeOf(server));
      await store.filling();
      const { replayGuard } = store;
      const [mac, signedAtMs] = [newMac(), Date.now()];
      expect(await replayGuard.claim(mac, endpoint, signedAtMs)).toBe("run");
      await replayGuard.settle(mac, endpoint, "failed");
      await withRedis(server, (redis) => redis.save());
      expect(await replayGuard.claim(mac, endpoint, signedAtMs)).toBe("run");
      await replayGuard.settle(mac, endpoint, "done");
      await server.kill();
      await server.start();
      expect(await eventually(async () => store.isLive(), true)).toBe(true);
      expect(await replayGuard.claim(mac, endpoint, signedAtMs)).toBe("open");
    },
  );

  test("runs no signature again that a Cluster lost with a master whose successor was not seen yet", async () => {
    await using cluster = await startRedisCluster({
      masters: 2,
      settings: { "cluster-require-full-coverage": "no" },
    });
    const [master, successor] = cluster.nodes;
    if (master === undefined || successor === undefined) throw new Error("the Cluster has too few masters");
    const onBoth = (...parts: [string, ...(string | number)[]]) =>
      Promise.all(cluster.nodes.map((node) => withRedis(node, (redis) => redis.call("CLUSTER", ...parts))));
    // The sidecar does not get to know a master without slots.
    await onBoth("DELSLOTSRANGE", 8192, 16_383);
    await using store = openStore(clusterPlace(cluster));
    expect(await eventually(async () => store.liveMasters(), 1)).toBe(1);
    const slotOf = (mac: Uint8Array) => slotOfKey(createKeys(store.keyPrefix).seen(mac));
    let mac = newMac();
    while (slotOf(mac) >= 8192) mac = newMac();
    const signedAtMs = later();
    expect(await store.replayGuard.claim(mac, "session", signedAtMs)).toBe("run");
    await withRedis(master, (redis) => redis.flushall());
    const successorId = await withRedis(successor, (redis) => redis.cluster("MYID"));
    await onBoth("SETSLOT", slotOf(mac), "NODE", String(successorId));
    expect(await store.replayGuard.claim(mac, "session", signedAtMs)).toBe("open");
  });

  test("runs no signature again if the epoch of an emptied master is seen while its claim is in flight", async () => {
    await using server = await startRedis();
    await using proxy = await startFaultProxy({ host: "127.0.0.1", port: server.port });
    await using store = openStore(singlePlace(proxy, [server]));
    // The mark of the installation has been written by then. Otherwise it could wait in front of the question below.
    await store.firstContact;
    await store.filling();
    const [mac, signedAtMs] = [newMac(), Date.now()];
    expect(await store.replayGuard.claim(mac, "session", signedAtMs)).toBe("run");
    const epochQuestions = proxy.countInRequests("replication");
    proxy.holdRequests();
    expect(await eventually(async () => epochQuestions() > 0, true)).toBe(true);
    const copy = store.replayGuard.claim(mac, "session", signedAtMs);
    await withRedis(server, async (redis) => {
      await redis.flushall();
      // A promotion gives the server another epoch, and keeps its connections.
      await redis.replicaof("127.0.0.1", server.port);
      await redis.replicaof("NO", "ONE");
      // The server answers which epoch it has, and not yet the claim, which writes.
      await redis.call("CLIENT", "PAUSE", 5000, "WRITE");
      proxy.releaseRequests();
      expect(await eventually(async () => store.epochsSeen(), 2)).toBe(2);
      await redis.call("CLIENT", "UNPAUSE");
    });
    expect(await copy).toBe("open");
    expect(store.events).not.toContain("fell back");
  });

  test("goes on in the process where Redis refuses to remember, which costs no hit and no later session", async () => {
    await using server = await startRedis();
    await using store = openStore(placeOf(server));
    await store.filling();
    await fill(store.hotCopy, "ann", "devices");
    const signedBefore = Date.now() - 1;
    await withRedis(server, (redis) => redis.config("SET", "maxmemory", "1"));
    const { replayGuard } = store;
    expect(await replayGuard.claim(newMac(), "session", signedBefore)).toBe("open");
    for (let turn = 0; turn < 5; turn += 1) {
      const mac = newMac();
      expect(await replayGuard.claim(mac, "session", Date.now())).toBe("run");
      expect(await replayGuard.claim(mac, "session", Date.now())).toBe("refuse");
      expect(await store.hotCopy.read("ann")).toEqual({ state: "hit", value: "devices" });
    }
    expect([store.isLive(), store.liveMasters()]).toEqual([false, 1]);
    expect(store.problem()?.reason).toBe("Redis has reached maxmemory");
    await withRedis(server, (redis) => redis.config("SET", "maxmemory", "0"));
    await replayGuard.claim(newMac(), "get", Date.now());
    expect(store.events.filter((event) => /back|returned/.test(event))).toEqual(["fell back", "returned"]);
    expect(await eventually(async () => store.isLive(), true, 10_000)).toBe(true);
  });
});
