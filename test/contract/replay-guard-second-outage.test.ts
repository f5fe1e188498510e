import { expect, setDefaultTimeout, test } from "bun:test";
import slotOfKey from "cluster-key-slot";
import { startFaultProxy } from "../../scripts/servers/fault-proxy.ts";
import { startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createKeys } from "../../src/redis/keys.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { clusterPlace, openStore, placeOf, singlePlace, withRedis } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

const newMac = () => crypto.getRandomValues(new Uint8Array(32));

/** Returns the present as a timestamp that differs from those before and after it. */
async function timestamp(): Promise<number> {
  await Bun.sleep(2);
  const atMs = Date.now();
  await Bun.sleep(2);
  return atMs;
}

/** Opens two sidecars on one Redis. One of them is cut off, and has noticed it. */
async function loseOneOfTwo(stack: AsyncDisposableStack) {
  const server = stack.use(await startRedis());
  const proxy = stack.use(await startFaultProxy({ host: "127.0.0.1", port: server.port }));
  const cutOff = stack.use(openStore(singlePlace(proxy, [server])));
  const connected = stack.use(openStore(placeOf(server), { keyPrefix: cutOff.keyPrefix }));
  await Promise.all([cutOff.filling(), connected.filling()]);
  proxy.holdReplies();
  await cutOff.replayGuard.claim(newMac(), "get", Date.now());
  return { server, proxy, cutOff, connected };
}

describeWithPrivate("redis", "the replay guard after a first outage", () => {
  test("runs no request again in a second one that failed in the first, since another sidecar may have run a copy", async () => {
    await using stack = new AsyncDisposableStack();
    const { proxy, cutOff, connected } = await loseOneOfTwo(stack);
    const [mac, signedAtMs] = [newMac(), await timestamp()];
    expect(await cutOff.replayGuard.claim(mac, "session", signedAtMs)).toBe("run");
    await cutOff.replayGuard.settle(mac, "session", "failed");
    expect(await connected.replayGuard.claim(mac, "session", signedAtMs)).toBe("run");
    proxy.cut();
    proxy.passThrough();
    expect(await eventually(async () => cutOff.isLive(), true)).toBe(true);
    proxy.holdReplies();
    await cutOff.replayGuard.claim(newMac(), "get", Date.now());
    expect(await cutOff.replayGuard.claim(mac, "session", signedAtMs)).toBe("open");
  });

  test("runs no request alone that another sidecar has run before Redis began to refuse", async () => {
    await using stack = new AsyncDisposableStack();
    const { server, proxy, cutOff: idle, connected: busy } = await loseOneOfTwo(stack);
    proxy.cut();
    proxy.passThrough();
    expect(await eventually(async () => idle.isLive(), true)).toBe(true);
    const [mac, signedAtMs] = [newMac(), await timestamp()];
    expect(await busy.replayGuard.claim(mac, "session", signedAtMs)).toBe("run");
    await withRedis(server, (redis) => redis.config("SET", "maxmemory", "1"));
    expect(await idle.replayGuard.claim(mac, "session", signedAtMs)).toBe("open");
  });

  test("runs no request alone that it has run before its key moved to a master without a connection", async () => {
    await using cluster = await startRedisCluster({
      settings: { "cluster-require-full-coverage": "no" },
    });
    const [master, unseen, lost] = cluster.nodes;
    if (master === undefined || unseen === undefined || lost === undefined)
      throw new Error("too few masters");
    const onEach = (nodes: readonly RedisServer[], ...parts: [string, ...(string | number)[]]) =>
      Promise.all(nodes.map((node) => withRedis(node, (redis) => redis.call("CLUSTER", ...parts))));
    const ranges = await withRedis(master, (redis) => redis.cluster("SLOTS"));
    const rangeOf = (port: number) => ranges.find(([, , owner]) => owner?.[1] === port) ?? [0, 0];
    // The sidecar does not get to know a master without slots.
    await onEach(cluster.nodes, "DELSLOTSRANGE", ...rangeOf(unseen.port).slice(0, 2).map(Number));
    await using store = openStore(clusterPlace(cluster));
    expect(await eventually(async () => store.liveMasters(), 2)).toBe(2);
    const slotOf = (mac: Uint8Array) => slotOfKey(createKeys(store.keyPrefix).seen(mac));
    const macIn = ([from, to]: readonly [number, number, ...unknown[]]) => {
      let mac = newMac();
      while (slotOf(mac) < from || slotOf(mac) > to) mac = newMac();
      return mac;
    };
    const macOfLost = macIn(rangeOf(lost.port));
    await lost.kill();
    await store.replayGuard.claim(macOfLost, "get", Date.now());
    expect(store.events).toContain("fell back");
    const [mac, signedAtMs] = [macIn(rangeOf(master.port)), await timestamp()];
    expect(await store.replayGuard.claim(mac, "session", signedAtMs)).toBe("run");
    await withRedis(master, (redis) => redis.flushall());
    const unseenId = await withRedis(unseen, (redis) => redis.cluster("MYID"));
    await onEach([master, unseen], "SETSLOT", slotOf(mac), "NODE", String(unseenId));
    // The first copy is redirected, and shows the sidecar where the key is now.
    expect(await store.replayGuard.claim(mac, "session", signedAtMs)).not.toBe("run");
    expect(await store.replayGuard.claim(mac, "session", signedAtMs)).not.toBe("run");
  });
});
