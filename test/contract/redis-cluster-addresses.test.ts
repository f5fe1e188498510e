import { expect, setDefaultTimeout, test } from "bun:test";
import slotOf from "cluster-key-slot";
import { freePort } from "../../scripts/servers/free-port.ts";
import { type RedisCluster, startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createTlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { infoField } from "../../src/redis/role.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { hold, untilHit } from "../support/hot-copy-steps.ts";
import {
  clusterPlace,
  type OpenedStore,
  openStore,
  type RedisPlace,
  withRedis,
} from "../support/redis-places.ts";

setDefaultTimeout(30_000);

const loginIds = Array.from({ length: 12 }, (_, number) => `user${number}@example.com`);

/**
 * Writes and reads users whose hashes are spread over all masters. It repeats what Redis did not answer in time, as may
 * happen on a busy machine.
 */
async function expectServesEverybody(store: OpenedStore): Promise<void> {
  await store.filling();
  for (const loginId of loginIds) {
    const value = `devices of ${loginId}`;
    await hold(store.hotCopy, loginId, value);
    expect(await untilHit(store.hotCopy, loginId, value)).toBe(value);
  }
  expect([store.isLive(), store.impairment()]).toEqual([true, null]);
}

/** The same Cluster, looked for at another host and by some of its nodes only. */
function reachedAt(cluster: RedisCluster, host: string): RedisPlace {
  const { connection, servers } = clusterPlace(cluster);
  const [node] = connection.nodes;
  return { connection: { ...connection, nodes: [{ ...node, host }] }, servers };
}

/** The epoch of a server for this installation, in hex. */
async function epochOf(server: RedisServer, installation: string): Promise<string> {
  const info = await withRedis(server, (redis) => redis.info());
  const identity = `${infoField(info, "run_id")}:${infoField(info, "master_replid")}${installation}`;
  return new Bun.CryptoHasher("sha1").update(identity).digest("hex").slice(0, 16);
}

/** A key prefix under which the first of three masters keeps the record of this epoch. */
function prefixWithRecordOnFirst(epoch: string): string {
  for (let number = 0; ; number += 1) {
    const prefix = `test:${number}:`;
    if (isOnFirst(`${prefix}epoch:${epoch}`)) return prefix;
  }
}

const isOnFirst = (key: string) => slotOf(key) < Math.floor(16_384 / 3);

describeWithPrivate("redis", "a Redis Cluster as people run it", () => {
  test("is used where it announces no host, which means the host that was asked", async () => {
    await using cluster = await startRedisCluster({
      settings: { "cluster-preferred-endpoint-type": "unknown-endpoint" },
    });
    await using store = openStore(reachedAt(cluster, "localhost"));
    await expectServesEverybody(store);
  });

  test("is used where its certificate holds host names only", async () => {
    using folder = temporaryFolder();
    const tls = await createTlsCertificates(folder.path, "DNS:localhost");
    const port = await freePort();
    await using server = await startRedis({
      settings: {
        "cluster-enabled": "yes",
        "cluster-announce-hostname": "localhost",
        "cluster-preferred-endpoint-type": "hostname",
        "tls-port": `${port}`,
        "tls-cluster": "yes",
        "tls-cert-file": tls.certificateFile,
        "tls-key-file": tls.keyFile,
        "tls-ca-cert-file": tls.caFile,
        "tls-auth-clients": "no",
      },
    });
    await withRedis(server, (redis) => redis.call("CLUSTER", "ADDSLOTSRANGE", 0, 16_383));
    const { connection } = clusterPlace({ nodes: [server] });
    const [node] = connection.nodes;
    const tlsCa = await Bun.file(tls.caFile).text();
    const nodes = [{ ...node, host: "localhost", port, tls: true }] as const;
    await using store = openStore({ connection: { ...connection, nodes, tlsCa }, servers: [server] });
    await expectServesEverybody(store);
  });

  test("names each master that does not answer, and goes on with the others", async () => {
    await using cluster = await startRedisCluster({ settings: { "cluster-require-full-coverage": "no" } });
    await using store = openStore(clusterPlace(cluster));
    await expectServesEverybody(store);
    const [first, second] = cluster.nodes;
    if (first === undefined || second === undefined) throw new Error("the Cluster lacks nodes");
    await first.kill();
    const impairment = async () => store.impairment()?.reason;
    const gone = `masters of the Cluster do not answer: 127.0.0.1:${first.port}`;
    expect(await eventually(impairment, gone)).toBe(gone);
    expect([store.isLive(), store.isFilling()]).toEqual([true, false]);
    await first.start();
    expect(await eventually(async () => store.impairment(), null, 10_000)).toBeNull();

    // The node stays where it is, but tells clients of a port at which nobody listens.
    await withRedis(second, async (redis) => {
      await redis.config("SET", "cluster-announce-bus-port", `${second.port + 10_000}`);
      await redis.config("SET", "cluster-announce-port", "1");
    });
    const dead = "masters of the Cluster do not answer: 127.0.0.1:1";
    expect(await eventually(impairment, dead, 15_000)).toBe(dead);
    expect(store.isLive()).toBe(true);
  });

  test("serves the hits of the other masters to a sidecar that starts while one is away", async () => {
    await using cluster = await startRedisCluster({ settings: { "cluster-require-full-coverage": "no" } });
    const [first, second] = cluster.nodes;
    if (first === undefined || second === undefined) throw new Error("the Cluster lacks nodes");
    const installation = "0123456789abcdef";
    const keyPrefix = prefixWithRecordOnFirst(await epochOf(second, installation));
    const place = clusterPlace(cluster);
    await using early = openStore(place, { installation, keyPrefix });
    await expectServesEverybody(early);
    await first.kill();

    await using late = openStore(place, { installation, keyPrefix });
    expect(await eventually(async () => late.liveMasters(), 2)).toBe(2);
    expect([late.isLive(), late.isFilling()]).toEqual([true, false]);
    expect(late.impairment()?.reason).toBe(`masters of the Cluster do not answer: 127.0.0.1:${first.port}`);
    for (const loginId of loginIds) {
      const state = isOnFirst(`${keyPrefix}user:${loginId}`) ? "ask" : "hit";
      expect(await late.hotCopy.read(loginId)).toMatchObject({ state });
    }

    await first.start();
    await late.filling();
    expect(late.impairment()).toBeNull();
  });
});
