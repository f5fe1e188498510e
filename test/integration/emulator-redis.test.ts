import { afterAll, beforeAll, expect, test } from "bun:test";
import type { DiscoverAnswer } from "../../scripts/emulator/api/platform-api.ts";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { runStatement } from "../../scripts/servers/run-statement.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWith, describeWithPrivate } from "../support/describe-with.ts";
import { type EmulatorProcess, failureOf, namesOf, startEmulator } from "../support/emulator-process.ts";
import { readinessOf } from "../support/readiness.ts";

const createTable = `CREATE TABLE users (email varchar(320) NOT NULL UNIQUE, "ownIdData" text, blocked boolean)`;

describeWithPrivate("redis", "the emulator beside Redis", () => {
  describeWith("postgres", "and Postgres", () => {
    let redis: RedisServer;
    let emulator: EmulatorProcess;
    beforeAll(async () => {
      const [postgres, started] = await Promise.all([sharedPostgres(), startRedis()]);
      redis = started;
      const url = await postgres.createDatabase("emulator");
      await runStatement(url, null, createTable);
      emulator = await startEmulator({
        environment: {
          DATABASE_URL: url,
          REDIS_URL: redis.url(),
          USERS_BLOCKED_COLUMN: "blocked",
          // Redis begins to hold values this long after it has started.
          COHERENCE_STATEMENT_MS: "1000",
          COHERENCE_GRACE_MS: "3001",
        },
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
      expect(await eventually(async () => (await recover("ada@example.com", "tablet")).status, 200)).toBe(
        200,
      );
      expect(failureOf(await login("ada@example.com", "laptop"))).toEqual([401, "passkey_invalid"]);
      expect((await login("ada@example.com", "tablet")).status).toBe(200);
    });

    test("a user who is blocked is so for discovery, too, although Redis holds the user", async () => {
      const loginId = "bob@example.com";
      await emulator.control.register(loginId, "phone");
      const isFilling = async () => (await readinessOf(emulator.addresses.opsUrl ?? "")).filling;
      expect(await eventually(isFilling, true)).toBe(true);
      const discover = async () =>
        (await emulator.post<DiscoverAnswer>("/platform/discover", { loginId })).body.outcome;
      expect([await discover(), await discover()]).toEqual(["accountFound", "accountFound"]);
      expect((await emulator.post("/control/block", { loginId, blocked: true })).status).toBe(204);
      expect(await discover()).toBe("accountBlocked");
      expect(failureOf(await emulator.control.login(loginId, "phone"))).toEqual([423, "user_blocked"]);
      expect((await emulator.post("/control/block", { loginId, blocked: false })).status).toBe(204);
      expect((await emulator.control.login(loginId, "phone")).status).toBe(200);
    });
  });
});
