import { expect, setDefaultTimeout, test } from "bun:test";
import { sharedRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { eventually, isRejected } from "../../scripts/servers/waiting.ts";
import { connectRedis } from "../../src/redis/connection.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { clusterPlace, withRedis } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

describeWithPrivate("redis", "the connection to a Redis Cluster", () => {
  test("sends no command again that a master has executed before its connection ended", async () => {
    const place = clusterPlace(await sharedRedisCluster());
    const connection = connectRedis(place.connection);
    const { client, masterOf } = connection;
    const key = `test:${crypto.randomUUID()}`;
    const masterIsReady = async () => masterOf(key)?.status === "ready";
    expect(await eventually(async () => client.set(key, 0).catch(() => null), "OK")).toBe("OK");
    expect(await eventually(masterIsReady, true)).toBe(true);
    const master = masterOf(key);
    const server = place.servers.find(({ port }) => port === master?.options.port);
    if (!master || server === undefined) throw new Error("the key has no master");
    const held = () => withRedis(server, (redis) => redis.get(key));
    // Without a reply, the client does not know that the command was executed.
    master.call("CLIENT", "REPLY", "OFF").catch(() => {});
    const sent = client.incr(key);
    sent.catch(() => {});
    expect(await eventually(held, "1")).toBe("1");
    master.stream.destroy();
    expect(await isRejected(sent)).toBe(true);
    expect(await eventually(async () => client.incr(key).catch(() => null), 2)).toBe(2);
    connection.close();
  });
});
