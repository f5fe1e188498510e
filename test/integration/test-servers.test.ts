import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { Cluster, Redis } from "ioredis";
import { testHome } from "../../scripts/servers/after-this-process.ts";
import { type MariadbServer, sharedMariadb, startMariadb } from "../../scripts/servers/mariadb-server.ts";
import { type PostgresServer, sharedPostgres, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { type RedisCluster, startRedisCluster } from "../../scripts/servers/redis-cluster.ts";
import { type RedisSentinel, startRedisSentinel } from "../../scripts/servers/redis-sentinel.ts";
import { sharedRedis, startRedis } from "../../scripts/servers/redis-server.ts";
import { runStatement } from "../../scripts/servers/run-statement.ts";
import { eventually, isRejected, staysOpen } from "../../scripts/servers/waiting.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { startPgbouncer } from "../support/pgbouncer-server.ts";

setDefaultTimeout(60_000);

const sqlServers = [
  { kind: "postgres", start: startPostgres, shared: sharedPostgres },
  { kind: "mariadb", start: startMariadb, shared: sharedMariadb },
] as const;

for (const { kind, start, shared } of sqlServers) {
  describeWith(kind, `a ${kind} of its own`, () => {
    let server: PostgresServer | MariadbServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.remove());

    test("keeps committed rows through a kill", async () => {
      const url = await server.createDatabase("kept");
      await runStatement(url, null, "CREATE TABLE users (id INT PRIMARY KEY)");
      await runStatement(url, null, "INSERT INTO users VALUES (7)");
      await server.kill();
      expect(await isRejected(runStatement(url, null, "SELECT 1"))).toBe(true);
      await server.start();
      await using sql = new SQL(server.url("kept"), { max: 1 });
      expect([...(await sql`SELECT id FROM users`)]).toEqual([{ id: 7 }]);
    });

    test("keeps committed rows through a stop", async () => {
      const url = await server.createDatabase("stopped");
      await runStatement(url, null, "CREATE TABLE users (id INT PRIMARY KEY)");
      await server.stop();
      await server.start();
      await runStatement(server.url("stopped"), null, "SELECT id FROM users");
    });

    test("leaves a query unanswered while it is frozen", async () => {
      await using sql = new SQL(server.url(), { max: 1 });
      await sql`SELECT 1 AS one`;
      await server.freeze();
      const query = sql`SELECT 2 AS two`.execute();
      expect(await staysOpen(query)).toBe(true);
      await server.thaw();
      expect([...(await query)]).toEqual([{ two: 2 }]);
    });

    test("is another one than the shared one, which is always the same", async () => {
      const common = await shared();
      expect(await shared()).toBe(common);
      expect(common.port).not.toBe(server.port);
      await runStatement(common.url(), null, "SELECT 1");
    });
  });

  describeWithPrivate(kind, `a ${kind} with TLS`, () => {
    test("lets in who trusts its authority, and nobody without TLS", async () => {
      await using server = await start({ tls: true });
      const ca = Bun.file(server.caFile());
      await using sql = new SQL(server.url(), { max: 1, tls: { ca } });
      expect([...(await sql`SELECT 1 AS one`)]).toEqual([{ one: 1 }]);
      expect(await isRejected(runStatement(server.url(), null, "SELECT 1"))).toBe(true);
    });
  });
}

describeWithPrivate("redis", "a Redis of its own", () => {
  test("keeps its appended writes through a kill", async () => {
    await using server = await startRedis({ settings: { appendonly: "yes", appendfsync: "always" } });
    const redis = new Redis(server.url(), { lazyConnect: true, retryStrategy: () => 10 });
    redis.on("error", () => undefined);
    await redis.set("greeting", "hello");
    await server.kill();
    await server.start();
    expect(await redis.get("greeting")).toBe("hello");
    redis.disconnect();
  });

  test("leaves a command unanswered while it is frozen", async () => {
    await using server = await startRedis();
    const redis = new Redis(server.url());
    await redis.ping();
    await server.freeze();
    const ping = redis.ping();
    expect(await staysOpen(ping)).toBe(true);
    await server.thaw();
    expect(await ping).toBe("PONG");
    redis.disconnect();
  });

  test("serves TLS to whoever has the password", async () => {
    await using server = await startRedis({ tls: true, password: "p@ss word" });
    const redis = new Redis(server.url(), { tls: { ca: await Bun.file(server.caFile()).text() } });
    expect(await redis.ping()).toBe("PONG");
    redis.disconnect();
  });

  test("lets in the users of its ACL only", async () => {
    const acl = ["user default off", "user sidecar on >secret ~* +@all"];
    await using server = await startRedis({ acl });
    const redis = new Redis(server.url(), { username: "sidecar", password: "secret" });
    expect(await redis.ping()).toBe("PONG");
    redis.disconnect();
  });

  test("follows the master it is a replica of", async () => {
    await using master = await startRedis();
    await using replica = await startRedis({ replicaOf: master });
    const [writer, reader] = [new Redis(master.url()), new Redis(replica.url())];
    await writer.set("greeting", "hello");
    expect(await eventually(() => reader.get("greeting"), "hello")).toBe("hello");
    writer.disconnect();
    reader.disconnect();
  });
});

describeWith("redis", "the shared Redis", () => {
  test("answers over its URL", async () => {
    const redis = new Redis((await sharedRedis()).url());
    expect(await redis.ping()).toBe("PONG");
    redis.disconnect();
  });
});

describeWithPrivate("redis", "a Redis Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 3 });
  });
  afterAll(() => cluster.remove());

  test("serves keys from all of its masters", async () => {
    const client = new Cluster(cluster.endpoints());
    const keys = Array.from({ length: 60 }, (_, number) => `user:${number}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    const sizes = await Promise.all(client.nodes("master").map((node) => node.dbsize()));
    client.disconnect();
    expect(sizes.length).toBe(3);
    expect(sizes.every((size) => size > 0)).toBe(true);
  });
});

describeWithPrivate("redis", "a Redis Sentinel", () => {
  let watched: RedisSentinel;
  beforeAll(async () => {
    watched = await startRedisSentinel({ replicas: 1, sentinels: 1 });
  });
  afterAll(() => watched.remove());

  test("knows its master, and makes the replica master when that is killed", async () => {
    const sentinels = watched.sentinels.map((sentinel) => new Redis(sentinel.url()));
    const masterPorts = async () => {
      const ask = (sentinel: Redis) =>
        sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", watched.masterName);
      return String(await Promise.all(sentinels.map(ask)));
    };
    expect(await masterPorts()).toBe(`127.0.0.1,${watched.master.port}`);
    await watched.master.kill();
    const next = `127.0.0.1,${watched.replicas[0]?.port}`;
    expect(await eventually(masterPorts, next)).toBe(next);
    for (const sentinel of sentinels) sentinel.disconnect();
  });
});

describeWith("pgbouncer", "a pgbouncer", () => {
  test("relays queries to each database of its Postgres", async () => {
    const postgres = await sharedPostgres();
    await postgres.createDatabase("pooled");
    await using pooler = await startPgbouncer(postgres);
    await using sql = new SQL(pooler.url("pooled"), { max: 1, prepare: false });
    expect([...(await sql`SELECT current_database() AS name`)]).toEqual([{ name: "pooled" }]);
  });
});

describe("a killed test process", () => {
  describeWithPrivate("redis", "with a frozen and a running Redis", () => {
    test("leaves no server behind", async () => {
      const module = join(import.meta.dir, "../../scripts/servers/redis-server.ts");
      const script = `
        import { startRedis } from ${JSON.stringify(module)};
        const servers = [await startRedis(), await startRedis()];
        await servers[0].freeze();
        console.log(servers.map((server) => server.dir()).join(","));
        await new Promise(() => setInterval(() => {}, 1000));
      `;
      const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
      const { value } = await child.stdout.getReader().read();
      const pidFiles = new TextDecoder()
        .decode(value)
        .trim()
        .split(",")
        .map((dir) => join(dir, "process-id"));
      const pids = await Promise.all(pidFiles.map((file) => Bun.file(file).text()));
      expect(pids.map(Number).filter(isAlive).length).toBe(2);
      child.kill("SIGKILL");
      expect(await eventually(async () => pids.map(Number).filter(isAlive).length, 0)).toBe(0);
    });
  });
});

test("a killed process leaves no temporary folder behind", async () => {
  const module = join(import.meta.dir, "../../scripts/servers/temporary-folder.ts");
  const script = `
    import { temporaryFolder } from ${JSON.stringify(module)};
    const folder = temporaryFolder();
    await Bun.write(folder.at("file"), "some");
    console.log(folder.path);
    await new Promise(() => setInterval(() => {}, 1000));
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  const path = new TextDecoder().decode(value).trim();
  expect(existsSync(join(path, "file"))).toBe(true);
  child.kill("SIGKILL");
  expect(await eventually(async () => existsSync(path), false)).toBe(false);
});

describeWith("redis", "a test that times out", () => {
  test("does not take the shared servers of its process along", async () => {
    const module = join(import.meta.dir, "../../scripts/servers/redis-server.ts");
    const suite = `
      import { RedisClient } from "bun";
      import { expect, test } from "bun:test";
      import { sharedRedis } from ${JSON.stringify(module)};
      test("times out", async () => {
        await sharedRedis();
        await new Promise(() => {});
      }, 500);
      test("comes after", async () => {
        const redis = new RedisClient((await sharedRedis()).url());
        expect(await redis.send("PING", [])).toBe("PONG");
      });
    `;
    await Bun.write(join(testHome(), "timeout.test.ts"), suite);
    const argv = [process.execPath, "test", "./timeout.test.ts"];
    const child = Bun.spawn(argv, { cwd: testHome(), stdout: "ignore", stderr: "pipe" });
    const output = await child.stderr.text();
    expect(output).toContain("(fail) times out");
    expect(output).toContain("(pass) comes after");
  });
});

/** A zombie counts as dead: it only waits to be collected. */
function isAlive(pid: number): boolean {
  const state = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)]).stdout.toString();
  return state !== "" && !state.startsWith("Z");
}
