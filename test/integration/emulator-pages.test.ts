import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { runStatement } from "../../scripts/servers/run-statement.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { type Chromium, launchChromium } from "../support/chromium.ts";
import { describeWith, describeWithPrivate, describeWithProgram } from "../support/describe-with.ts";
import { type EmulatorProcess, startEmulator } from "../support/emulator-process.ts";
import { walkDemoSite, walkReactSite } from "../support/emulator-walks.ts";
import { readinessOf } from "../support/readiness.ts";

describeWithProgram("chromium", "the emulator's pages in Chromium", () => {
  let chromium: Chromium;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium[Symbol.asyncDispose]());

  describe("beside SQLite", () => {
    let emulator: EmulatorProcess;
    beforeAll(async () => {
      emulator = await startEmulator();
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    test("take a person through every flow", () => walkDemoSite(chromium, emulator.addresses));
    test("serve a site made of the published @ownid/react", () =>
      walkReactSite(chromium, emulator.addresses));

    test("fit a narrow phone", async () => {
      const phone = await chromium.newDevice();
      await phone.look({ width: 320, height: 640 });
      const { register } = emulator.control;
      await register("someone-with-a-long-name-and-a-long-domain@subdomain.example.com", "phone");
      for (const path of ["/", "/register", "/recover", "/wire-view"]) {
        await phone.goTo(`${emulator.addresses.url}${path}`);
        await phone.waitFor("document.querySelector('#connection').dataset.state === 'live'");
        expect(await phone.evaluate("document.documentElement.scrollWidth")).toBe(320);
      }
    });
  });

  describeWithPrivate("redis", "beside Redis", () => {
    describeWith("postgres", "and Postgres", () => {
      let redis: RedisServer;
      let emulator: EmulatorProcess;
      beforeAll(async () => {
        const [postgres, started] = await Promise.all([sharedPostgres(), startRedis()]);
        redis = started;
        const url = await postgres.createDatabase("emulator_pages");
        await runStatement(url, null, `CREATE TABLE users (email text NOT NULL UNIQUE, "ownIdData" text)`);
        emulator = await startEmulator({ environment: { DATABASE_URL: url, REDIS_URL: redis.url() } });
      });
      afterAll(async () => {
        await emulator[Symbol.asyncDispose]();
        await redis.remove();
      });

      test("take a person through every flow", () => walkDemoSite(chromium, emulator.addresses));
      test("serve a site made of the published @ownid/react", () =>
        walkReactSite(chromium, emulator.addresses));
      test("take a person through every flow while Redis is killed and restarted between the steps", () =>
        walkDemoSite(chromium, emulator.addresses, async () => {
          await redis.kill();
          await redis.start();
          expect(
            await eventually(async () => (await readinessOf(emulator.addresses.opsUrl ?? "")).status, "ok"),
          ).toBe("ok");
        }));
    });
  });
});
