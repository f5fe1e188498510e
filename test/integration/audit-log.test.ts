import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSignedClient, type SignedClient } from "../../scripts/client/signed-client.ts";
import { createTickingClock } from "../../scripts/client/ticking-clock.ts";
import { sharedRedis } from "../../scripts/servers/redis-server.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createLoginIdHash } from "../../src/audit/login-id-hash.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";
import { createUsers, type UserTable } from "../support/user-table.ts";

setDefaultTimeout(60_000);

const sol = "sol@testmail.com";
const sharedSecret = new Uint8Array(Buffer.from("a shared secret of thirty-two b."));
const environment = { OWNID_SHARED_SECRET: Buffer.from(sharedSecret).toString("base64") };
const loginIdHash = createLoginIdHash(sharedSecret)(sol);

function entriesIn(text: string): Record<string, unknown>[] {
  const lines = text.split("\n").filter((line) => line.startsWith('{"time"'));
  return lines.map((line) => JSON.parse(line));
}

describeWithPrivate("redis", "the audit log of a running sidecar", () => {
  const folder = temporaryFolder();
  const file = folder.at("audit.log");
  const keysEnvironment = { SESSION_KEYS_FILE: folder.at("keys.json"), JWKS_MAX_AGE_SECONDS: "0" };
  let table: UserTable;
  let sidecar: SidecarProcess;
  let client: SignedClient;
  beforeAll(async () => {
    table = createUsers(folder.at("users.db"), [{ email: sol }]);
    await createSigningKeys(folder.at("keys.json"));
    const { port } = await sharedRedis();
    sidecar = spawnSidecar({
      ...environment,
      ...keysEnvironment,
      DATABASE_URL: `sqlite:${folder.at("users.db")}`,
      REDIS_URL: `redis://127.0.0.1:${port}`,
      REDIS_KEY_PREFIX: `test:${crypto.randomUUID()}:`,
      COHERENCE_STATEMENT_MS: "50",
      COHERENCE_GRACE_MS: "1101",
      AUDIT_LOG: file,
      LOG_LEVEL: "info",
      DRAIN_SECONDS: "0",
    });
    const { baseUrl } = await sidecar.ready();
    client = createSignedClient({ baseUrl, sharedSecret, now: createTickingClock() });
  });
  afterAll(async () => {
    await sidecar[Symbol.asyncDispose]();
    table.close();
    folder[Symbol.dispose]();
  });

  const entries = () => entriesIn(readFileSync(file, "utf8"));
  const recorded = (expected: object) =>
    eventually(async () => entries().some((entry) => Bun.deepEquals({ ...entry, ...expected }, entry)), true);

  test("names users by a keyed hash that a command prints, and is for this account alone", async () => {
    await client.set(sol, "the data");
    const token = JSON.parse((await client.session(sol, "browser")).body).token;
    expect(await recorded({ event: "session" })).toBe(true);
    expect(entries()).toMatchObject([
      { event: "enrolment", actor: "ownid", outcome: "done", loginIdHash, endpoint: "set" },
      { event: "session", actor: "ownid", outcome: "done", loginIdHash, sessionType: "browser" },
    ]);
    expect(entries()[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const secret of [sol, "the data", token, token.split(".")[1]])
      expect(readFileSync(file, "utf8")).not.toContain(secret);
    const command = join(import.meta.dir, "../../scripts/audit.ts");
    const printed = Bun.spawnSync([process.execPath, command, sol.toUpperCase()], {
      cwd: folder.path,
      env: { ...environment },
    });
    expect([printed.stdout.toString(), printed.exitCode]).toEqual([`${loginIdHash}\n`, 0]);
  });

  test("records a hash that contradicted the row", async () => {
    // Until the grace is over, lookups store nothing that the row could contradict.
    const contradicts = async () => {
      table.write(sol, "the data");
      await client.get(sol);
      table.write(sol, "the site's");
      return (await client.session(sol)).status === 503;
    };
    expect(await eventually(contradicts, true, 10_000)).toBe(true);
    expect(await recorded({ event: "stale_hit", actor: "sidecar", loginIdHash })).toBe(true);
    expect(await recorded({ event: "session", outcome: "ERR_HASH_STALE", loginIdHash })).toBe(true);
    await client.get(sol);
  });

  test("is opened anew when it was renamed, with the next entry or on SIGHUP, and loses none", async () => {
    const before = entries().length;
    renameSync(file, folder.at("audit.log.1"));
    await client.session(sol);
    expect(await eventually(async () => existsSync(file), true)).toBe(true);
    expect(await recorded({ event: "session" })).toBe(true);
    expect(entries()).toHaveLength(1);
    renameSync(file, folder.at("audit.log.2"));
    sidecar.signal("SIGHUP");
    expect(await eventually(async () => existsSync(file), true)).toBe(true);
    const linesOf = (name: string) => readFileSync(folder.at(name), "utf8").trimEnd().split("\n");
    expect([linesOf("audit.log.1").length, linesOf("audit.log.2").length]).toEqual([before, 1]);
  });

  test("records that keys have changed, and from when another key signs, as does the log", async () => {
    const command = join(import.meta.dir, "../../scripts/keys/index.ts");
    const rotated = Bun.spawnSync([process.execPath, command, "rotate", "--now"], {
      cwd: folder.path,
      env: { PATH: process.env.PATH ?? "", ...keysEnvironment },
    });
    expect(rotated.exitCode).toBe(0);
    expect(await recorded({ event: "key_change", outcome: "reloaded", variable: "SESSION_KEYS_FILE" })).toBe(
      true,
    );
    const [active] = JSON.parse(readFileSync(folder.at("keys.json"), "utf8")).keys.filter(
      ({ state }: { state: string }) => state === "active",
    );
    expect(await recorded({ event: "key_change", outcome: "signs", kid: active.kid })).toBe(true);
    expect(await sidecar.logged("another key signs the session tokens from now on")).toMatchObject({
      kid: active.kid,
    });
  });

  test("holds up nothing while it cannot be written, and the log and the metrics say so", async () => {
    const { opsUrl } = await sidecar.ready();
    renameSync(file, folder.at("audit.log.3"));
    Bun.spawnSync(["ln", "-s", "/dev/full", file]);
    expect((await client.session(sol)).status).toBe(200);
    expect(
      await sidecar.logged("AUDIT_LOG cannot be written; entries are kept in memory and written later"),
    ).toMatchObject({ code: "ENOSPC" });
    Bun.spawnSync(["rm", file]);
    await sidecar.logged("AUDIT_LOG can be written again");
    expect(entries()).toMatchObject([{ event: "session", outcome: "done" }]);
    const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
    expect(metrics).toContain('ownid_audit_events_total{event="write_failed"} 1');
    expect(metrics).toContain('ownid_audit_events_total{event="dropped"} 0');
    expect(metrics).toMatch(/ownid_audit_events_total\{event="recorded"\} [1-9]/);
  });
});

test("AUDIT_LOG=stdout writes the entries between the lines of the log", async () => {
  await using sidecar = spawnSidecar({ AUDIT_LOG: "stdout", DRAIN_SECONDS: "0" });
  const { baseUrl } = await sidecar.ready();
  await sidecar.clientAt(baseUrl).session("nobody");
  expect(await eventually(async () => entriesIn(sidecar.output.stdout).length, 1)).toBe(1);
  expect(entriesIn(sidecar.output.stdout)).toMatchObject([{ event: "session", outcome: "ERR_USER_UNKNOWN" }]);
});

test("an AUDIT_LOG that can never be written ends the start", async () => {
  await using sidecar = spawnSidecar({ AUDIT_LOG: "./missing/audit.log" });
  expect(await sidecar.ended()).toBe(78);
  expect(sidecar.output.stderr).toContain(
    "AUDIT_LOG: ./missing/audit.log is in a folder that does not exist.",
  );
});
