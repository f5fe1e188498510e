import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { createTickingClock } from "../../scripts/client/ticking-clock.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { adminToken, backendToken } from "../support/ops-client.ts";
import { readinessOf } from "../support/readiness.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";
import { createUsers } from "../support/user-table.ts";

setDefaultTimeout(60_000);

const sol = "sol@testmail.com";
const sharedSecret = new Uint8Array(Buffer.from("a shared secret of thirty-two b."));

/** What several sidecars have in common: users, secrets, signing keys and the file for revocations. */
async function createSite(settings: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  const table = createUsers(folder.at("users.db"), [{ email: sol }]);
  await createSigningKeys(folder.at("keys.json"));
  const environment = {
    NODE_ENV: "production",
    OWNID_SHARED_SECRET: Buffer.from(sharedSecret).toString("base64"),
    DATABASE_URL: `sqlite:${folder.at("users.db")}`,
    SESSION_KEYS_FILE: folder.at("keys.json"),
    STATE_FILE: folder.at("state.db"),
    ADMIN_TOKEN: adminToken,
    BACKEND_TOKEN: backendToken,
    DRAIN_SECONDS: "0",
    ...settings,
  };
  const now = createTickingClock();

  async function startSidecar() {
    const child = spawnSidecar(environment);
    const { baseUrl, opsUrl } = await child.ready();
    // A start that has waited a second for the database opens the listeners without it.
    expect(await eventually(async () => (await readinessOf(opsUrl)).status, "ok", 10_000)).toBe("ok");
    const client = createSignedClient({ baseUrl, sharedSecret, now });

    async function postForm(path: string, token: string) {
      const headers = { authorization: `Bearer ${backendToken}` };
      const response = await fetch(opsUrl + path, {
        method: "POST",
        headers,
        body: new URLSearchParams({ token }),
      });
      return { status: response.status, body: await response.text() };
    }

    async function verify(token: string): Promise<number> {
      return (await fetch(`${opsUrl}/verify`, { headers: { authorization: `Bearer ${token}` } })).status;
    }

    return {
      child,
      exchange: (token: string) => postForm("/session/exchange", token),
      introspect: (token: string) => postForm("/introspect", token),
      verify,
      async newToken(): Promise<string> {
        const answer = await client.session(sol);
        expect(answer.status).toBe(200);
        return JSON.parse(answer.body).token;
      },
      async revoke(body: unknown): Promise<number> {
        const headers = { authorization: `Bearer ${adminToken}`, "content-type": "application/json" };
        const request = { method: "POST", headers, body: JSON.stringify(body) };
        return (await fetch(`${opsUrl}/admin/revoke`, request)).status;
      },
      async erase(loginId: string): Promise<number> {
        const headers = { authorization: `Bearer ${adminToken}` };
        const url = `${opsUrl}/admin/users/${encodeURIComponent(loginId)}`;
        return (await fetch(url, { method: "DELETE", headers })).status;
      },
      get: () => client.get(sol),
      /** What both ways of asking say: introspection's status or `active`, and the status of `/verify`. */
      async opinionOf(token: string): Promise<string> {
        const { status, body } = await postForm("/introspect", token);
        return `${status === 200 ? JSON.parse(body).active : status} ${await verify(token)}`;
      },
      [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
    };
  }

  return {
    startSidecar,
    table,
    [Symbol.dispose]() {
      table.close();
      folder[Symbol.dispose]();
    },
  };
}

const [active, ended, unknown] = ["true 200", "false 401", "503 503"];

describeWithPrivate("redis", "two sidecars over one Redis with an append-only file", () => {
  let redis: RedisServer;
  let site: Awaited<ReturnType<typeof createSite>>;
  let sidecars: Awaited<ReturnType<typeof site.startSidecar>>[];

  beforeAll(async () => {
    redis = await startRedis({ settings: { appendonly: "yes", appendfsync: "always" } });
    site = await createSite({ REDIS_URL: redis.url() });
    sidecars = await Promise.all([site.startSidecar(), site.startSidecar()]);
  });
  afterAll(async () => {
    for (const sidecar of sidecars) await sidecar[Symbol.asyncDispose]();
    site[Symbol.dispose]();
    await redis.remove();
  });

  const opinions = (token: string) => Promise.all(sidecars.map((sidecar) => sidecar.opinionOf(token)));
  const both = (opinion: string) => [opinion, opinion];
  const [first, second] = [() => at(sidecars, 0), () => at(sidecars, 1)];

  test("end all of a user's tokens at once, and none that the user gets from then on", async () => {
    const tokens = [await first().newToken(), await second().newToken()];
    for (const token of tokens) expect(await opinions(token)).toEqual(both(active));
    const from = performance.now();
    expect(await first().revoke({ loginId: sol })).toBe(204);
    for (const token of tokens) expect(await opinions(token)).toEqual(both(ended));
    expect(performance.now() - from).toBeLessThan(1000);
    expect(await opinions(await second().newToken())).toEqual(both(active));
  });

  test("erase a user's data from the table and from Redis, and end the sessions, for both", async () => {
    site.table.write(sol, "the data");
    expect((await second().get()).status).toBe(200);
    const token = await second().newToken();
    expect(await first().erase(sol.toUpperCase())).toBe(404);
    expect(await opinions(token)).toEqual(both(active));
    expect(await first().erase(sol)).toBe(204);
    expect(site.table.read(sol)).toBeNull();
    expect([(await first().get()).status, (await second().get()).status]).toEqual([204, 204]);
    expect(await opinions(token)).toEqual(both(ended));
    expect(await opinions(await second().newToken())).toEqual(both(active));
  });

  test("know what was revoked after Redis was killed and restarted, and say 503 meanwhile", async () => {
    const [revoked, valid] = [await first().newToken(), await second().newToken()];
    const { sid } = JSON.parse((await second().introspect(revoked)).body);
    expect(await first().revoke({ sid })).toBe(204);
    await redis.kill();
    for (const token of [revoked, valid]) expect(await opinions(token)).toEqual(both(unknown));
    expect(await first().revoke({ loginId: sol })).toBe(503);
    await redis.start();
    for (const sidecar of sidecars) {
      const answers: string[] = [];
      const hasAnswered = async () => {
        answers.push(await sidecar.opinionOf(revoked));
        return answers.at(-1) === ended;
      };
      expect(await eventually(hasAnswered, true, 10_000)).toBe(true);
      expect(answers.filter((answer) => /true|200/.test(answer))).toEqual([]);
      expect(await sidecar.opinionOf(valid)).toBe(active);
    }
  });
});

describeWithPrivate("redis", "two sidecars with the one-time hand-off", () => {
  test("let exactly one of two concurrent exchanges succeed, 1,000 times of 1,000", async () => {
    await using redis = await startRedis();
    using site = await createSite({ REDIS_URL: redis.url(), SESSION_HANDOFF: "exchange" });
    await using one = await site.startSidecar();
    await using other = await site.startSidecar();
    const outcomes = new Map<string, number>();
    for (let turn = 0; turn < 1000; turn += 1) {
      const handoff = await (turn % 2 ? one : other).newToken();
      const answers = await Promise.all([one.exchange(handoff), other.exchange(handoff)]);
      const outcome = answers
        .map(({ status }) => status)
        .toSorted()
        .join(" ");
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes]).toEqual([["200 409", 1000]]);
    const last = await other.newToken();
    await redis.kill();
    expect((await one.exchange(last)).status).toBe(503);
  });
});

describe("a sidecar without Redis", () => {
  test("knows what was revoked and exchanged after it was killed and started again", async () => {
    using site = await createSite({ SESSION_HANDOFF: "exchange" });
    let tokens: { handoff: string; revoked: string; valid: string };
    {
      await using sidecar = await site.startSidecar();
      const issue = async () => {
        const handoff = await sidecar.newToken();
        return { handoff, token: JSON.parse((await sidecar.exchange(handoff)).body).token };
      };
      const { handoff, token: revoked } = await issue();
      expect(await sidecar.revoke({ loginId: sol })).toBe(204);
      const { token: valid } = await issue();
      expect([await sidecar.opinionOf(revoked), await sidecar.opinionOf(valid)]).toEqual([ended, active]);
      tokens = { handoff, revoked, valid };
      sidecar.child.signal("SIGKILL");
    }
    await using again = await site.startSidecar();
    expect(await again.opinionOf(tokens.revoked)).toBe(ended);
    expect(await again.opinionOf(tokens.valid)).toBe(active);
    expect((await again.exchange(tokens.handoff)).status).toBe(409);
  });

  test("starts and issues sessions where its file cannot be used, says so, and calls none of them active", async () => {
    using site = await createSite({ STATE_FILE: "/proc/nowhere/state.db" });
    await using sidecar = await site.startSidecar();
    expect(await sidecar.opinionOf(await sidecar.newToken())).toBe(unknown);
    const [warning] = sidecar.child.logLines().filter(({ msg }) => String(msg).startsWith("STATE_FILE"));
    expect(warning?.msg).toContain("503 until it can");
  });
});

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error("it has not been started");
  return item;
}
