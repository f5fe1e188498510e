import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import type { DiscoverAnswer } from "../../scripts/emulator/api/platform-api.ts";
import type { SiteSession } from "../../scripts/emulator/api/site-api.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { startAnswerCache } from "../support/answer-cache.ts";
import { failureOf, startEmulator } from "../support/emulator-process.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(60_000);

const command = join(import.meta.dir, "../../scripts/emulator/index.ts");

test("the demo site exchanges a hand-off token and verifies a session signed with HS256, in lower case", async () => {
  await using emulator = await startEmulator({
    environment: {
      SESSION_ALG: "HS256",
      SESSION_SECRET: "a session secret of 32 bytes or more",
      SESSION_HANDOFF: "exchange",
      BACKEND_TOKEN: "b".repeat(32),
      LOGIN_ID_CASE: "lower",
      COMPAT_ERROR_CODE_404: "true",
    },
  });
  const { body } = await emulator.control.register("Ada@Example.com", "phone");
  expect(body.devices).toHaveLength(1);
  const { session } = (await emulator.control.login("Ada@Example.com", "phone")).body;
  const { body: site } = await emulator.post<SiteSession>("/site/login", { session });
  expect(site).toMatchObject({ loginId: "ada@example.com", token: { header: { alg: "HS256" } } });
  expect(failureOf(await emulator.post("/site/login", { session }))).toEqual([401, "authorization_invalid"]);
  const unknown = await emulator.post<DiscoverAnswer>("/platform/discover", {
    loginId: "nobody@example.com",
  });
  expect(unknown.body.outcome).toBe("accountNotFound");
});

describe("the emulator beside a sidecar that runs already", () => {
  const settings = { OWNID_SHARED_SECRET: Buffer.alloc(32, 7).toString("base64") };
  let sidecar: SidecarProcess;
  let urls: Awaited<ReturnType<SidecarProcess["ready"]>>;
  let database: string;
  beforeAll(async () => {
    sidecar = spawnSidecar(settings);
    urls = await sidecar.ready();
    database = `sqlite:${sidecar.folder.at("data/ownid.db")}`;
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());

  test("uses it, and lets it run when it is stopped itself", async () => {
    const [port, opsPort] = [new URL(urls.baseUrl).port, new URL(urls.opsUrl).port];
    const child = spawnEmulator(["--json", "--port", "0"], {
      ...settings,
      DATABASE_URL: database,
      PORT: port,
      OPS_PORT: opsPort,
    });
    const { value } = await child.stdout.getReader().read();
    expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject(urls);
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect((await fetch(`${urls.opsUrl}/livez`)).status).toBe(200);
  });

  test("ends with 78 if the shared secret is another one", async () => {
    const child = spawnEmulator(["--url", urls.baseUrl, "--port", "0"], {
      OWNID_SHARED_SECRET: Buffer.alloc(32, 8).toString("base64"),
      DATABASE_URL: database,
    });
    expect(await child.exited).toBe(78);
    expect(await child.stderr.text()).toStartWith("OWNID_SHARED_SECRET: the endpoints at ");
  });

  test("shows it if something keeps old lookups: a device that was removed still signs in", async () => {
    using cache = startAnswerCache(urls.baseUrl);
    await using emulator = await startEmulator({
      options: ["--url", cache.baseUrl],
      environment: { ...settings, DATABASE_URL: database },
    });
    const { register, login, recover } = emulator.control;
    await register("ada@example.com", "phone");
    await recover("ada@example.com", "laptop");
    expect((await login("ada@example.com", "phone")).status).toBe(200);
    expect(failureOf(await login("ada@example.com", "laptop"))).toEqual([401, "passkey_invalid"]);
  });
});

test("ends with 1 and a sentence if nothing answers at the address", async () => {
  const child = spawnEmulator(["--url", "http://127.0.0.1:1/ownid", "--port", "0"], {});
  expect(await child.exited).toBe(1);
  expect(await child.stderr.text()).toStartWith("Nothing listens at http://127.0.0.1:1.");
});

test("ends with 78 and the fix if the sidecar refuses the user table", async () => {
  const child = spawnEmulator(["--port", "0"], { PORT: "0", OPS_PORT: "0", USERS_TABLE: "accounts" });
  expect(await child.exited).toBe(78);
  expect(await child.stderr.text()).toContain('SQLite has no table "accounts"');
});

function spawnEmulator(options: readonly string[], environment: Readonly<Record<string, string>>) {
  return Bun.spawn([process.execPath, command, ...options], {
    cwd: temporaryFolder().path,
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}
