import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { Redis } from "ioredis";
import { type FaultProxy, startFaultProxy } from "../../scripts/servers/fault-proxy.ts";
import { type RedisServer, sharedRedis } from "../../scripts/servers/redis-server.ts";
import { eventually, isRejected, staysOpen } from "../../scripts/servers/waiting.ts";
import { describeWith } from "../support/describe-with.ts";

setDefaultTimeout(60_000);

describeWith("redis", "a fault proxy before Redis", () => {
  let redis: RedisServer;
  let direct: Redis;
  let proxy: FaultProxy;
  let client: Redis;
  let key: string;

  beforeAll(async () => {
    redis = await sharedRedis();
    direct = new Redis(redis.url());
  });

  afterAll(() => direct.disconnect());

  beforeEach(async () => {
    proxy = await startFaultProxy({ host: "127.0.0.1", port: redis.port });
    client = connectThrough(proxy, redis);
    key = `fault-proxy:${crypto.randomUUID()}`;
    await client.connect();
  });

  afterEach(async () => {
    client.disconnect();
    await proxy.stop();
  });

  test("relays a value of several megabytes unchanged", async () => {
    const value = Buffer.alloc(4_000_003, "0123456789");
    await client.set(key, value);
    expect((await client.getBuffer(key))?.equals(value)).toBe(true);
  });

  test("as a black hole loses requests and keeps the connection", async () => {
    proxy.blackHole();
    const set = client.set(key, "lost");
    expect(await staysOpen(set)).toBe(true);
    expect(await direct.exists(key)).toBe(0);
    expect(proxy.connections()).toBe(1);
    proxy.cut();
    expect(await isRejected(set)).toBe(true);
  });

  test("as a black hole still accepts connections", async () => {
    proxy.blackHole();
    const socket = await Bun.connect({ hostname: "127.0.0.1", port: proxy.port, socket: { data() {} } });
    expect(await eventually(async () => proxy.connections(), 2)).toBe(2);
    socket.end();
  });

  test("lets a held request have its effect only when it is released", async () => {
    proxy.holdRequests();
    const set = client.set(key, "late");
    expect(await staysOpen(set)).toBe(true);
    expect(await direct.exists(key)).toBe(0);
    proxy.releaseRequests();
    expect(await set).toBe("OK");
    expect(await direct.get(key)).toBe("late");
  });

  test("lets a request have its effect while its reply is held, and delivers that later", async () => {
    proxy.holdReplies();
    const set = client.set(key, "done");
    expect(await eventually(() => direct.get(key), "done")).toBe("done");
    expect(await staysOpen(set)).toBe(true);
    proxy.releaseReplies();
    expect(await set).toBe("OK");
  });

  test("delivers delayed replies late, all of them and in order", async () => {
    proxy.delay(60);
    const startedAt = performance.now();
    const replies = await Promise.all(["a", "b", "c"].map((text) => client.echo(text)));
    expect(replies).toEqual(["a", "b", "c"]);
    expect(performance.now() - startedAt).toBeGreaterThan(55);
  });

  test("cuts the connections there are and accepts new ones", async () => {
    proxy.holdReplies();
    const set = client.set(key, "unknown");
    expect(await staysOpen(set)).toBe(true);
    proxy.cut();
    expect(await isRejected(set)).toBe(true);
    expect(proxy.connections()).toBe(0);
    proxy.passThrough();
    await client.connect();
    expect(await client.ping()).toBe("PONG");
  });

  test("refuses new connections and keeps the old until it accepts again", async () => {
    await proxy.refuse();
    const other = connectThrough(proxy, redis);
    expect(await isRejected(other.connect())).toBe(true);
    expect(await client.ping()).toBe("PONG");
    await proxy.accept();
    await other.connect();
    expect(await other.ping()).toBe("PONG");
    expect(proxy.connections()).toBe(2);
    other.disconnect();
  });

  test("closes the server's connection when the client closes its own", async () => {
    const id = await client.client("ID");
    client.disconnect();
    const isGone = async () => !String(await direct.client("LIST")).includes(`id=${id} `);
    expect(await eventually(isGone, true)).toBe(true);
    expect(await eventually(async () => proxy.connections(), 0)).toBe(0);
  });
});

/** A client that never retries, so that each test sees what became of its one connection. */
function connectThrough(proxy: FaultProxy, redis: RedisServer): Redis {
  const url = new URL(redis.url());
  url.port = String(proxy.port);
  const client = new Redis(url.href, { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => undefined);
  return client;
}
