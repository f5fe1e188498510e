import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { freePort } from "../../scripts/servers/free-port.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";
import { empty, json, outcomeOf } from "../support/problems.ts";
import { readinessOf } from "../support/readiness.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";
import { runOnTerminal } from "../support/terminal.ts";

const sol = "sol@testmail.com";
const secret = Buffer.from("a shared secret of thirty-two b.");
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** What was listed on standard error, one problem a line. */
const index = join(import.meta.dir, "../../src/index.ts");

function problemsOf({ output }: SidecarProcess): string[] {
  return output.stderr
    .split("\n")
    .filter((line) => line.startsWith("  - "))
    .map((line) => line.slice(4));
}

async function readyz(opsUrl: string): Promise<{ status: number; report: string }> {
  const { httpStatus, status } = await readinessOf(opsUrl);
  return { status: httpStatus, report: status };
}

describe("a start with nothing configured", () => {
  let sidecar: SidecarProcess;
  beforeAll(() => {
    sidecar = spawnSidecar();
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());

  test("serves the five answers of a first try, and a token that another library verifies", async () => {
    const { baseUrl, opsUrl } = await sidecar.ready();
    const client = sidecar.clientAt(baseUrl);
    expect(outcomeOf(await client.get("nobody@testmail.com"))).toEqual(empty(404));
    expect(outcomeOf(await client.get(sol))).toEqual(empty(204));
    expect(outcomeOf(await client.set(sol, '{"devices":["é😀\u2028"]}'))).toEqual(empty(204));
    expect(outcomeOf(await client.get(sol))).toEqual(json(200, { ownIdData: '{"devices":["é😀\u2028"]}' }));
    const session = await client.session(sol);
    expect(outcomeOf(session)).toEqual(json(200, { token: expect.any(String) }));

    const { keys } = JSON.parse(await (await fetch(`${baseUrl}/.well-known/jwks.json`)).text());
    const { token } = JSON.parse(session.body);
    const payload = jwt.verify(token, createPublicKey({ key: keys[0], format: "jwk" }), {
      algorithms: ["ES256"],
      issuer: "ownid-sidecar",
      audience: "website",
    });
    expect(payload.sub).toBe(sol);
    expect(await readyz(opsUrl)).toEqual({ status: 200, report: "ok" });
  });

  test("keeps what it makes under ./data, secrets for this account alone, and listens on loopback", async () => {
    const { baseUrl, opsUrl } = await sidecar.ready();
    expect([baseUrl, opsUrl].map((url) => new URL(url).hostname)).toEqual(["127.0.0.1", "127.0.0.1"]);
    expect(readdirSync(sidecar.folder.path)).toEqual(["data"]);
    const made = readdirSync(sidecar.folder.at("data")).filter((name) => !/-(?:wal|shm)$/.test(name));
    expect(made.toSorted()).toEqual(["ownid.db", "session-keys.json", "shared-secret", "state.db"]);
    expect(modeOf(sidecar.folder.at("data/shared-secret"))).toBe("600");
    expect(modeOf(sidecar.folder.at("data/session-keys.json"))).toBe("600");
    expect(modeOf(sidecar.folder.at("data/state.db"))).toBe("600");
    expect(sidecar.output.stderr).toBe("");
    const generated = readFileSync(sidecar.folder.at("data/shared-secret"), "utf8").trim();
    expect(Buffer.from(generated, "base64")).toHaveLength(32);
    expect(sidecar.output.stdout).not.toContain(generated);
  });

  test("says in the log what to try next, with the demo user", async () => {
    const { next } = await sidecar.logged("development mode");
    expect(next).toMatch(/ sign get sol@testmail\.com --send(?: |$)/);
  });

  test("a second time keeps the secret, the key and the data", async () => {
    const folder = temporaryFolder();
    const paths = {
      DATABASE_URL: `sqlite:${folder.at("users.db")}`,
      SESSION_KEYS_FILE: folder.at("keys.json"),
      OWNID_SHARED_SECRET: secret.toString("base64"),
    };
    const bodies: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await using sidecar = spawnSidecar(paths);
      const { baseUrl } = await sidecar.ready();
      const client = createSignedClient({ baseUrl, sharedSecret: secret, now: Date.now });
      if (start === 0) expect((await client.set(sol, "kept")).status).toBe(204);
      else expect(outcomeOf(await client.get(sol))).toEqual(json(200, { ownIdData: "kept" }));
      bodies.push(await (await fetch(`${baseUrl}/.well-known/jwks.json`)).text());
      expect(existsSync(sidecar.folder.at("data/shared-secret"))).toBe(false);
      sidecar.signal("SIGKILL");
    }
    expect(bodies[0]).toBe(bodies[1] ?? "");
    folder[Symbol.dispose]();
  });
});

test.each([
  [{ REDIS_ULR: "redis://127.0.0.1" }, /REDIS_ULR.*REDIS_URL/],
  [{ USERS_BLOCKED_COLUM: "blocked" }, /USERS_BLOCKED_COLUM\b.*USERS_BLOCKED_COLUMN/],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: "0" }, /NODE_TLS_REJECT_UNAUTHORIZED=0 asks for/],
])("a start with %j goes on, and warns", async (environment, warning) => {
  await using sidecar = spawnSidecar(environment as Record<string, string>);
  await sidecar.ready();
  const warnings = sidecar.logLines().filter(({ level }) => level === "warn");
  expect(warnings.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(warning));
});

describe("exit 78", () => {
  const marker = "hunter2-not-printed";

  test("lists every wrong setting at once, each by its variable, and prints no value", async () => {
    await using sidecar = spawnSidecar({
      PORT: "http",
      OWNID_SHARED_SECRET: marker,
      DATABASE_URL: `mongodb://user:${marker}@h/d`,
      DRAIN_SECONDS: "soon",
      OPS_HOST: `"${marker}"`,
    });
    expect(await sidecar.ended()).toBe(78);
    expect(problemsOf(sidecar).map((problem) => problem.split(" ")[0])).toEqual([
      "PORT",
      "OPS_HOST",
      "OWNID_SHARED_SECRET",
      "DATABASE_URL",
      "DRAIN_SECONDS",
    ]);
    expect(sidecar.output.stdout + sidecar.output.stderr).not.toContain(marker);
    expect(sidecar.output.stdout).toBe("");
    expect(readdirSync(sidecar.folder.path)).toEqual([]);
  });

  test("ends a start in production that lacks secret, database and key, and makes none of them", async () => {
    await using sidecar = spawnSidecar({ NODE_ENV: "production" });
    expect(await sidecar.ended()).toBe(78);
    expect(problemsOf(sidecar).map((problem) => problem.split(" ")[0])).toEqual([
      "OWNID_SHARED_SECRET",
      "DATABASE_URL",
      "SESSION_KEYS_FILE",
    ]);
    expect(readdirSync(sidecar.folder.path)).toEqual([]);
  });

  test.each(["sqlite:/dev/null/users.db", `sqlite:./data/${"x".repeat(250)}.db`])(
    "ends a start in development that cannot create its database, and names the setting (%#)",
    async (url) => {
      await using sidecar = spawnSidecar({ DATABASE_URL: url });
      expect(await sidecar.ended()).toBe(78);
      expect(problemsOf(sidecar)).toEqual([
        expect.stringMatching(
          /^DATABASE_URL: outside production, .* cannot read or write it \([A-Z_]+\)\. Set/,
        ),
      ]);
    },
  );

  test("ends a start in production whose SQLite file is in no folder, or whose secret is published", async () => {
    await using sidecar = spawnSidecar({
      NODE_ENV: "production",
      OWNID_SHARED_SECRET: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
      DATABASE_URL: "sqlite:./missing/folder/users.db",
    });
    expect(await sidecar.ended()).toBe(78);
    expect(problemsOf(sidecar).map((problem) => problem.split(" ")[0])).toEqual([
      "OWNID_SHARED_SECRET",
      "DATABASE_URL",
      "SESSION_KEYS_FILE",
    ]);
    expect(existsSync(sidecar.folder.at("missing"))).toBe(false);
  });

  test("names the listener's variable when a port is taken", async () => {
    const occupied = await occupy();
    const starts = ["PORT", "OPS_PORT"].map(async (variable) => {
      await using sidecar = spawnSidecar({ [variable]: String(occupied.port) });
      expect(await sidecar.ended()).toBe(78);
      expect(problemsOf(sidecar)).toEqual([
        `${variable}: cannot listen on 127.0.0.1:${occupied.port} (EADDRINUSE). Another program listens there: end it, or choose another port.`,
      ]);
    });
    await Promise.all(starts);
    occupied.server.close();
  });

  test("says so when both listeners have the same port", async () => {
    const port = String(await freePort());
    await using sidecar = spawnSidecar({ PORT: port, OPS_PORT: port });
    expect(await sidecar.ended()).toBe(78);
    expect(problemsOf(sidecar)).toEqual([
      `OPS_PORT: cannot listen on 127.0.0.1:${port} (EADDRINUSE). PORT and OPS_PORT are the same: change one of them.`,
    ]);
  });

  test("is the last that a terminal shows, after the log", async () => {
    const { server, port } = await occupy();
    using folder = temporaryFolder();
    const { status, screen } = await runOnTerminal([process.execPath, index], {
      cwd: folder.path,
      environment: { PORT: String(port), OPS_PORT: "0" },
    });
    server.close();
    expect(status).toBe(78);
    expect(screen).toContain("the database answers");
    expect(screen.trimEnd()).toEndWith("src/config/README.md lists every setting.");
  });

  test("names the listener's host when this machine does not have it", async () => {
    const starts = ["HOST", "OPS_HOST"].map(async (variable) => {
      await using sidecar = spawnSidecar({ [variable]: "192.0.2.1" });
      expect(await sidecar.ended()).toBe(78);
      expect(problemsOf(sidecar)).toEqual([
        `${variable}: cannot listen on 192.0.2.1:0 (EADDRNOTAVAIL). This machine does not have that address.`,
      ]);
    });
    await Promise.all(starts);
  });

  test("meets a table that does not fit, with the SQL that fixes it", async () => {
    using folder = temporaryFolder();
    const database = new Database(folder.at("site.db"), { create: true });
    database.run("CREATE TABLE users (email TEXT, ownid_data TEXT)");
    database.close();
    await using sidecar = spawnSidecar({ DATABASE_URL: `sqlite:${folder.at("site.db")}` });
    expect(await sidecar.ended()).toBe(78);
    const problems = problemsOf(sidecar);
    expect(problems.map((problem) => problem.split(":")[0])).toEqual([
      "USERS_LOGIN_ID_COLUMN",
      "USERS_OWNID_DATA_COLUMN",
    ]);
    expect(sidecar.output.stderr).toContain(
      '\n      CREATE UNIQUE INDEX "users_email" ON "users" ("email");\n',
    );
    expect(sidecar.output.stderr).toContain("\n      USERS_OWNID_DATA_COLUMN=ownid_data\n");
    expect(sidecar.output.stdout).not.toMatch(/retried|database is unavailable/);
  });

  test("meets a key file that is none, and leaves it as it is", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at("keys.json"), `{"keys":"${marker}"}`);
    await using sidecar = spawnSidecar({ SESSION_KEYS_FILE: folder.at("keys.json") });
    expect(await sidecar.ended()).toBe(78);
    expect(problemsOf(sidecar)).toEqual([expect.stringMatching(/^SESSION_KEYS_FILE: /)]);
    expect(sidecar.output.stderr).not.toContain(marker);
    expect(readFileSync(folder.at("keys.json"), "utf8")).toContain(marker);
  });
});

describe("a start in production", () => {
  test("serves an existing table with other names, and alters nothing else in it", async () => {
    using folder = temporaryFolder();
    const database = new Database(folder.at("site.db"), { create: true });
    database.run('CREATE TABLE "the accounts" ("log in" TEXT UNIQUE, "Data" VARCHAR(5000), other TEXT)');
    database.run("INSERT INTO \"the accounts\" VALUES ('sol@testmail.com', NULL, 'untouched')");
    database.close();
    await createSigningKeys(folder.at("keys.json"));
    await using sidecar = spawnSidecar({
      NODE_ENV: "production",
      OWNID_SHARED_SECRET: secret.toString("base64"),
      DATABASE_URL: `sqlite:${folder.at("site.db")}`,
      SESSION_KEYS_FILE: folder.at("keys.json"),
      STATE_FILE: folder.at("state.db"),
      USERS_TABLE: "the accounts",
      USERS_LOGIN_ID_COLUMN: "log in",
      USERS_OWNID_DATA_COLUMN: "Data",
      BASE_PATH: "/api/ownid",
    });
    const { baseUrl } = await sidecar.ready();
    expect(new URL(baseUrl).pathname).toBe("/api/ownid");
    const client = createSignedClient({ baseUrl, sharedSecret: secret, now: Date.now });
    expect((await client.set(sol, "data")).status).toBe(204);
    expect((await client.set(sol, "x".repeat(5001))).status).toBe(413);
    expect(readdirSync(sidecar.folder.path)).toEqual([]);
    expect(sidecar.logLines().map(({ msg }) => msg)).not.toContain("development mode");
    const reopened = new Database(folder.at("site.db"), { readonly: true });
    expect(reopened.query('SELECT * FROM "the accounts"').all()).toEqual([
      { "log in": sol, Data: "data", other: "untouched" },
    ]);
    reopened.close();
  });
});

describe("a database that gives no answer", () => {
  test("at the start keeps the process up, which says so and recovers by itself", async () => {
    using folder = temporaryFolder();
    const database = new Database(folder.at("site.db"), { create: true });
    database.run("CREATE TABLE users (email TEXT UNIQUE, ownIdData TEXT)");
    database.run("INSERT INTO users VALUES ('sol@testmail.com', 'data')");
    database.run("BEGIN EXCLUSIVE");
    await using sidecar = spawnSidecar({
      DATABASE_URL: `sqlite:${folder.at("site.db")}`,
      COHERENCE_STATEMENT_MS: "200",
    });
    const { baseUrl, opsUrl } = await sidecar.ready();
    const client = sidecar.clientAt(baseUrl);
    expect(await readyz(opsUrl)).toEqual({ status: 503, report: "starting" });
    expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
    const refused = await client.get(sol);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    database.run("COMMIT");
    database.close();
    expect(await eventually(async () => (await readyz(opsUrl)).status, 200)).toBe(200);
    expect(outcomeOf(await client.get(sol))).toEqual(json(200, { ownIdData: "data" }));
  });

  test("is named in the log and in readyz without its password", async () => {
    const port = await closedPort();
    await using sidecar = spawnSidecar({
      DATABASE_URL: `postgres://user:hunter2@127.0.0.1:${port}/site`,
      COHERENCE_STATEMENT_MS: "200",
    });
    const { opsUrl } = await sidecar.ready();
    const { reason } = await sidecar.logged("the database is unavailable");
    const report = await (await fetch(`${opsUrl}/readyz`)).text();
    expect(JSON.parse(report).dependencies.database).toMatchObject({ status: "unavailable", reason });
    expect(report + sidecar.output.stdout + sidecar.output.stderr).not.toContain("hunter2");
  });
});

describe("SIGTERM", () => {
  test("announces the end, finishes what is under way, and exits 0", async () => {
    await using sidecar = spawnSidecar({ DRAIN_SECONDS: "1" });
    const { baseUrl, opsUrl } = await sidecar.ready();
    const client = sidecar.clientAt(baseUrl);
    const slow = startSlowRequest(client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "late" }));
    await slow.begun;
    expect((await client.get(sol)).status).toBe(204);
    sidecar.signal("SIGTERM");
    await sidecar.logged("draining; a second signal stops at once");
    expect(await readyz(opsUrl)).toEqual({ status: 503, report: "draining" });
    expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
    const during = await client.get(sol);
    expect(during.status).toBe(204);
    expect(during.headers.get("connection")).toBe("close");
    expect((await slow.finish()).status).toBe(204);
    expect(await sidecar.ended()).toBe(0);
    await sidecar.logged("stopped");
    const database = new Database(sidecar.folder.at("data/ownid.db"), { readonly: true });
    expect(database.query("SELECT ownIdData FROM users").all()).toEqual([{ ownIdData: "late" }]);
    database.close();
  });

  test("after the announcement still lets a request finish whose body has begun to come", async () => {
    await using sidecar = spawnSidecar({ DRAIN_SECONDS: "0" });
    const { baseUrl } = await sidecar.ready();
    const client = sidecar.clientAt(baseUrl);
    const slow = startSlowRequest(client.sign("setOwnIDDataByLoginId", { loginId: sol, ownIdData: "late" }));
    await slow.begun;
    // A later connection was answered, so the earlier one has been taken up.
    expect((await client.get(sol)).status).toBe(204);
    sidecar.signal("SIGTERM");
    // New connections are refused once the listener is closed.
    const refused = () =>
      fetch(baseUrl).then(
        () => false,
        () => true,
      );
    expect(await eventually(refused, true)).toBe(true);
    expect((await slow.finish()).status).toBe(204);
    expect(await sidecar.ended()).toBe(0);
  });

  test("does not wait for clients that keep an idle connection open", async () => {
    await using sidecar = spawnSidecar({ DRAIN_SECONDS: "0" });
    const { baseUrl, opsUrl } = await sidecar.ready();
    const idle = [await keepOpen(baseUrl), await keepOpen(opsUrl)];
    const startedAt = performance.now();
    sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);
    // Waiting for them would take ten seconds.
    expect(performance.now() - startedAt).toBeLessThan(9500);
    for (const socket of idle) socket.destroy();
  });

  test("does not wait for a client whose request never arrives", async () => {
    await using sidecar = spawnSidecar({ DRAIN_SECONDS: "0" });
    const { baseUrl } = await sidecar.ready();
    const { hostname, port } = new URL(baseUrl);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write("POST /ownid/getOwnID");
    // A later connection was answered, so the earlier one has been accepted.
    expect((await fetch(baseUrl)).status).toBe(404);
    const startedAt = performance.now();
    sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);
    // Waiting for it would take ten seconds.
    expect(performance.now() - startedAt).toBeLessThan(9500);
    socket.destroy();
  });

  test("is heeded from the first line on that says that a listener is ready", async () => {
    await using sidecar = spawnSidecar({ DRAIN_SECONDS: "0" });
    await sidecar.logged("public listener ready");
    sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);
  });

  test("exits 0 likewise on SIGINT", async () => {
    await using sidecar = spawnSidecar({ DRAIN_SECONDS: "0" });
    await sidecar.ready();
    sidecar.signal("SIGINT");
    expect(await sidecar.ended()).toBe(0);
  });

  test("that reaches the process twice at once, as from a service manager, still drains it", async () => {
    await using sidecar = spawnSidecar({ DRAIN_SECONDS: "1" });
    await sidecar.ready();
    sidecar.signal("SIGTERM");
    sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);
    await sidecar.logged("stopped");
  });

  test("a second time ends the process at once", async () => {
    const ends = (["SIGTERM", "SIGINT"] as const).map(async (second) => {
      await using sidecar = spawnSidecar({ DRAIN_SECONDS: "600" });
      await sidecar.ready();
      sidecar.signal("SIGTERM");
      await sidecar.logged("draining; a second signal stops at once");
      const ended = sidecar.ended();
      // A signal that follows at once is the same one, passed on by whoever got it too.
      sidecar.signal("SIGTERM");
      await Bun.sleep(550);
      sidecar.signal(second);
      expect(await ended).toBe(1);
    });
    await Promise.all(ends);
  });
});

/** Sends a request's head and half of its body; the rest when the test says so. */
function startSlowRequest(request: Parameters<typeof rawRequest>[0]) {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const half = Math.floor(request.body.length / 2);
  async function* parts() {
    const [head = ""] = rawRequest(request).parts;
    yield head;
    yield request.body.subarray(0, half);
    begin();
    await released;
    yield request.body.subarray(half);
  }
  const answer = exchangeRaw(request.url, { parts: parts() });
  return {
    begun,
    finish() {
      release();
      return answer;
    },
  };
}

/** A connection that has had one answer and is kept for more. */
async function keepOpen(url: string) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  const answered = new Promise((resolve) => socket.once("data", resolve));
  socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  await answered;
  return socket;
}

async function occupy(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port };
}

async function closedPort(): Promise<number> {
  const { server, port } = await occupy();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
