import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { DiscoverAnswer } from "../../scripts/emulator/api/platform-api.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { runStatement } from "../../scripts/servers/run-statement.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWith } from "../support/describe-with.ts";
import { type EmulatorProcess, failureOf, namesOf, startEmulator } from "../support/emulator-process.ts";

setDefaultTimeout(60_000);

const createTable = `CREATE TABLE users (email varchar(320) NOT NULL UNIQUE, "ownIdData" text, blocked boolean)`;

describeWith("postgres", "the emulator beside Postgres and Redis", () => {
  let redis: RedisServer;
  let emulator: EmulatorProcess;
  beforeAll(async () => {
    const [postgres, started] = await Promise.all([sharedPostgres(), startRedis()]);
    redis = started;
    const url = await postgres.createDatabase("emulator");
    await runStatement(url, null, createTable);
    emulator = await startEmulator({
      environment: { DATABASE_URL: url, REDIS_URL: redis.url(), USERS_BLOCKED_COLUMN: "blocked" },
    });
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    await redis.remove();
  });

  test("a removed device is refused at once, while Redis is killed and restarted between the steps", async () => {
    const { register, login, enrol, recover, removeDevice } = emulator.control;
    expect((await register("ada@example.com", "phone")).status).toBe(201);
    expect(namesOf(await enrol("ada@example.com", "laptop"))).toEqual(["phone", "laptop"]);
    await redis.kill();
    expect((await login("ada@example.com", "phone")).status).toBe(200);
    expect(failureOf(await removeDevice("ada@example.com", "phone"))).toEqual([
      424,
      "integration_error",
      "data",
    ]);
    expect((await login("ada@example.com", "phone")).status).toBe(200);
    await redis.start();
    expect(await eventually(async () => (await removeDevice("ada@example.com", "phone")).status, 200)).toBe(
      200,
    );
    expect(failureOf(await login("ada@example.com", "phone"))).toEqual([401, "passkey_invalid"]);
    expect((await login("ada@example.com", "laptop")).status).toBe(200);
    await redis.kill();
    await redis.start();
    expect(failureOf(await login("ada@example.com", "phone"))).toEqual([401, "passkey_invalid"]);
    expect(await eventually(async () => (await recover("ada@example.com", "tablet")).status, 200)).toBe(200);
    expect(failureOf(await login("ada@example.com", "laptop"))).toEqual([401, "passkey_invalid"]);
    expect((await login("ada@example.com", "tablet")).status).toBe(200);
  });

  test("a user who is blocked is blocked for discovery, too, from that moment on", async () => {
    const { register, login } = emulator.control;
    await register("bob@example.com", "phone");
    expect((await login("bob@example.com", "phone")).status).toBe(200);
    const discover = async () =>
      (await emulator.post<DiscoverAnswer>("/platform/discover", { loginId: "bob@example.com" })).body
        .outcome;
    const block = (blocked: boolean) =>
      emulator.post("/control/block", { loginId: "bob@example.com", blocked });
    expect((await block(true)).status).toBe(204);
    expect(await discover()).toBe("accountBlocked");
    expect(failureOf(await login("bob@example.com", "phone"))).toEqual([423, "user_blocked"]);
    expect((await block(false)).status).toBe(204);
    expect((await login("bob@example.com", "phone")).status).toBe(200);
  });
});
