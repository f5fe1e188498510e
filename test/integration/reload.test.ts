import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { createTickingClock } from "../../scripts/client/ticking-clock.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";
import { createUsers } from "../support/user-table.ts";

setDefaultTimeout(120_000);

const sol = "sol@testmail.com";
const keysCommand = join(import.meta.dir, "../../scripts/keys/index.ts");
const maxAgeSeconds = 2;
const rotations = Number(process.env.ROTATIONS ?? 2);
const sessionsPerSecond = 50;

const folder = temporaryFolder();
const [oldSecret, newSecret, thirdSecret] = ["first", "second", "third"].map(
  (name) => new Uint8Array(Buffer.from(`the ${name} shared secret`.padEnd(32, "."))),
);
const text = (...secrets: readonly (Uint8Array | undefined)[]) =>
  secrets.map((secret) => Buffer.from(secret ?? []).toString("base64")).join(",");

/** As an orchestrator does it: whole, under another name first. */
function write(name: string, content: string): void {
  writeFileSync(folder.at(`${name}.draft`), content);
  renameSync(folder.at(`${name}.draft`), folder.at(name));
}

const environment = {
  NODE_ENV: "production",
  DATABASE_URL_FILE: folder.at("database-url"),
  OWNID_SHARED_SECRET_FILE: folder.at("shared-secret"),
  ADMIN_TOKEN_FILE: folder.at("admin-token"),
  BACKEND_TOKEN_FILE: folder.at("backend-token"),
  SESSION_KEYS_FILE: folder.at("keys.json"),
  STATE_FILE: folder.at("state.db"),
  JWKS_MAX_AGE_SECONDS: String(maxAgeSeconds),
  DRAIN_SECONDS: "0",
};

const readAgain =
  "SIGHUP: the files of keys and secrets were read again; all other settings are read at the start only";

let sidecar: SidecarProcess;
let urls: { baseUrl: string; opsUrl: string };
beforeAll(async () => {
  createUsers(folder.at("users.db"), [{ email: sol }]).close();
  await createSigningKeys(folder.at("keys.json"));
  write("database-url", `sqlite:${folder.at("users.db")}`);
  write("shared-secret", text(oldSecret));
  write("admin-token", "a".repeat(32));
  write("backend-token", "b".repeat(32));
  sidecar = spawnSidecar(environment);
  urls = await sidecar.ready();
  // What is checked is a change after the first look, which a reload stands for.
  sidecar.signal("SIGHUP");
  await sidecar.logged(readAgain);
});
afterAll(async () => {
  await sidecar[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const linesAbout = (variable: string) => sidecar.logLines().filter((line) => line.variable === variable);

/** Resolves with how often the log has told of the variable, once that is more often than before. */
async function toldAgain(variable: string, before: number): Promise<boolean> {
  return eventually(async () => linesAbout(variable).length > before, true, 10_000);
}

async function change(variable: string, name: string, content: string): Promise<void> {
  const before = linesAbout(variable).length;
  write(name, content);
  expect(await toldAgain(variable, before)).toBe(true);
}

const now = createTickingClock();
const clientWith = (sharedSecret: Uint8Array | undefined) =>
  createSignedClient({ baseUrl: urls.baseUrl, sharedSecret: sharedSecret ?? new Uint8Array(), now });

/** Asks for sessions at a steady rate until it is stopped, and returns how often each status was the answer. */
function startSessions(onToken: (token: string) => Promise<void>) {
  const statuses: Record<string, number> = {};
  const state = { client: clientWith(oldSecret), isRunning: true };
  const pending: Promise<void>[] = [];

  async function ask(): Promise<void> {
    const { status, body } = await state.client.session(sol);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 200) await onToken(JSON.parse(body).token);
  }
  const running = (async () => {
    while (state.isRunning) {
      pending.push(ask());
      await Bun.sleep(1000 / sessionsPerSecond);
    }
    await Promise.all(pending);
  })();
  return {
    /** Resolves when every request that was sent so far has been answered. */
    settled: () => Promise.all(pending),
    signWith(secret: Uint8Array | undefined): void {
      state.client = clientWith(secret);
    },
    async stop(): Promise<Record<string, number>> {
      state.isRunning = false;
      await running;
      return statuses;
    },
  };
}

async function rotate(): Promise<number> {
  const child = Bun.spawn([process.execPath, keysCommand, "rotate"], {
    cwd: folder.path,
    env: {
      PATH: process.env.PATH ?? "",
      SESSION_KEYS_FILE: folder.at("keys.json"),
      JWKS_MAX_AGE_SECONDS: String(maxAgeSeconds),
    },
    stdout: "ignore",
    stderr: "ignore",
  });
  return child.exited;
}

describe("under a steady load of sessions", () => {
  test("a verifier that caches the key set as told verifies every token through rotations", async () => {
    const keySet = createRemoteJWKSet(new URL(`${urls.baseUrl}/.well-known/jwks.json`), {
      cacheMaxAge: maxAgeSeconds * 1000,
    });
    const failures: string[] = [];
    const signers = new Set<string>();
    const load = startSessions(async (token) => {
      try {
        const { protectedHeader } = await jwtVerify(token, keySet, { algorithms: ["ES256"] });
        signers.add(protectedHeader.kid ?? "");
      } catch (error) {
        failures.push(String(error));
      }
    });
    for (let done = 0; done < rotations; done += 1) {
      expect(await eventually(rotate, 0, 15_000)).toBe(0);
    }
    expect(await eventually(async () => signers.size, rotations + 1, 15_000)).toBe(rotations + 1);
    const statuses = await load.stop();
    expect({ failures, statuses: Object.keys(statuses) }).toEqual({ failures: [], statuses: ["200"] });
    expect(linesAbout("SESSION_KEYS_FILE").map(({ msg }) => msg)).toContain("a changed file was reloaded");
  });

  test("the shared secret is replaced in its file with no 401", async () => {
    const load = startSessions(async () => {});
    const order = [oldSecret, newSecret, thirdSecret, oldSecret];
    for (const [index, next] of order.slice(1).entries()) {
      await change("OWNID_SHARED_SECRET_FILE", "shared-secret", text(order[index], next));
      load.signWith(next);
      await load.settled();
      await change("OWNID_SHARED_SECRET_FILE", "shared-secret", text(next));
      expect((await clientWith(order[index]).session(sol)).status).toBe(401);
    }
    expect(Object.keys(await load.stop())).toEqual(["200"]);
  });
});

describe("a changed file", () => {
  test("that is wrong is refused with its problem and no value, and the old secret goes on", async () => {
    await change("OWNID_SHARED_SECRET_FILE", "shared-secret", "hunter2!");
    expect(linesAbout("OWNID_SHARED_SECRET_FILE").at(-1)).toMatchObject({
      msg: "a changed file was refused; what it held before stays in use",
      problems: [expect.stringMatching(/^OWNID_SHARED_SECRET must be the Shared Secret/)],
    });
    expect(sidecar.output.stdout).not.toContain("hunter2");
    expect((await clientWith(oldSecret).session(sol)).status).toBe(200);
    await change("OWNID_SHARED_SECRET_FILE", "shared-secret", text(oldSecret));
  });

  test("of the signing keys that is wrong is refused, and the old keys go on", async () => {
    const keys = readFileSync(folder.at("keys.json"), "utf8");
    const published = async () => (await fetch(`${urls.baseUrl}/.well-known/jwks.json`)).text();
    const before = await published();
    await change("SESSION_KEYS_FILE", "keys.json", "{");
    expect(linesAbout("SESSION_KEYS_FILE").at(-1)?.problems).toEqual([
      expect.stringContaining("is not JSON"),
    ]);
    expect(await published()).toBe(before);
    await change("SESSION_KEYS_FILE", "keys.json", keys);
  });

  test("replaces the tokens of the ops listener", async () => {
    const statusWith = async (path: string, token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (
        await fetch(urls.opsUrl + path, {
          method: "POST",
          headers,
          body: new URLSearchParams({ token: "x" }),
        })
      ).status;
    };
    for (const [variable, name] of [
      ["ADMIN_TOKEN_FILE", "admin-token"],
      ["BACKEND_TOKEN_FILE", "backend-token"],
    ] as const) {
      const [before, after] = [readFileSync(folder.at(name), "utf8"), name.padEnd(32, "-")];
      expect(await statusWith("/introspect", before)).toBe(200);
      await change(variable, name, after);
      expect(await statusWith("/introspect", before)).toBe(401);
      expect(await statusWith("/introspect", after)).toBe(200);
    }
  });

  test("that is read at the start only is told of", async () => {
    await change("DATABASE_URL_FILE", "database-url", "sqlite:./elsewhere.db");
    expect(linesAbout("DATABASE_URL_FILE").at(-1)?.msg).toContain("restart to use it");
  });

  test("is counted", async () => {
    const metrics = await (await fetch(`${urls.opsUrl}/metrics`)).text();
    for (const event of ["reloaded", "refused", "restart_needed"])
      expect(metrics).toMatch(new RegExp(`ownid_reload_events_total\\{event="${event}"\\} [1-9]`));
  });
});

test("SIGHUP reads every file again at once, and says which are read at the start only", async () => {
  const told = () => sidecar.logLines().filter(({ msg }) => msg === readAgain);
  const before = told().length;
  write("shared-secret", text(newSecret));
  sidecar.signal("SIGHUP");
  expect(await eventually(async () => told().length, before + 1)).toBe(before + 1);
  expect(told().at(-1)?.onlyAtStart).toEqual(["DATABASE_URL_FILE"]);
  expect((await clientWith(newSecret).session(sol)).status).toBe(200);
  expect((await clientWith(oldSecret).session(sol)).status).toBe(401);
});

test("SIGHUP does not end a start that waits for the database", async () => {
  const connected = Promise.withResolvers<void>();
  using silent = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: () => connected.resolve(), data() {} },
  });
  await using starting = spawnSidecar({
    DATABASE_URL: `postgres://127.0.0.1:${silent.port}/site`,
    DRAIN_SECONDS: "0",
  });
  await connected.promise;
  starting.signal("SIGHUP");
  await starting.ready();
});
