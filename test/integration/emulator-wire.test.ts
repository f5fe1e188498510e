import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { ResendAnswer, WireCall } from "../../scripts/emulator/api/wire-api.ts";
import { type EmulatorProcess, failureOf, startEmulator } from "../support/emulator-process.ts";

setDefaultTimeout(60_000);

interface Archive {
  readonly log: { readonly version: string; readonly entries: readonly unknown[] };
}

const secret = Buffer.alloc(32, 7).toString("base64");

describe("the emulator's log of calls", () => {
  let emulator: EmulatorProcess;
  beforeAll(async () => {
    emulator = await startEmulator({ environment: { OWNID_SHARED_SECRET: secret } });
    await emulator.control.register("ada@example.com", "phone");
  });
  afterAll(() => emulator[Symbol.asyncDispose]());
  beforeEach(() => fetch(`${emulator.addresses.url}/wire`, { method: "DELETE" }));

  const calls = async () => (await emulator.get<{ readonly calls: readonly WireCall[] }>("/wire")).body.calls;

  test("shows a sign-in as two lookups and a session, each with its signature, time and answer", async () => {
    await emulator.control.login("ada@example.com", "phone");
    expect((await calls()).map(({ endpoint, answer }) => [endpoint, answer?.status])).toEqual([
      ["getOwnIDDataByLoginId", 200],
      ["getOwnIDDataByLoginId", 200],
      ["getSessionByLoginId", 200],
    ]);
    for (const { request, signature, durationMs, curl } of await calls()) {
      const mac = createHmac("sha256", Buffer.from(secret, "base64"))
        .update(signature.signed)
        .digest("base64");
      expect(signature.signed).toBe(`${request.body}.${request.headers["ownid-timestamp"]}`);
      expect(request.headers["ownid-signature"]).toBe(mac);
      expect(durationMs).toBeGreaterThan(0);
      expect(curl).toContain(mac);
    }
  });

  test("signs no two calls alike, so that sign-ins at the same time are not taken for copies", async () => {
    const signIns = Array.from({ length: 20 }, () => emulator.control.login("ada@example.com", "phone"));
    await Promise.all(signIns);
    const timestamps = (await calls()).map(({ request }) => request.headers["ownid-timestamp"]);
    expect(timestamps).toHaveLength(60);
    expect(new Set(timestamps).size).toBe(60);
  });

  test.each(["altered", "expired", "replayed", "elsewhere"])(
    "a call that is sent again %s is refused",
    async (as) => {
      await emulator.control.login("ada@example.com", "phone");
      const session = (await calls()).find(({ endpoint }) => endpoint === "getSessionByLoginId");
      const { body } = await emulator.post<ResendAnswer>(`/wire/${session?.id}/resend`, { as });
      expect(body).toMatchObject({ holds: true, call: { resends: session?.id, fault: as } });
      expect(body.verdict).toStartWith("Refused with 401.");
    },
  );

  test("a set that is sent again is answered as before and does not bring the older list back", async () => {
    await emulator.control.enrol("ada@example.com", "laptop");
    const set = (await calls()).find(({ endpoint }) => endpoint === "setOwnIDDataByLoginId");
    await emulator.control.recover("ada@example.com", "phone");
    const { body } = await emulator.post<ResendAnswer>(`/wire/${set?.id}/resend`, { as: "replayed" });
    expect(body).toMatchObject({ holds: true, call: { answer: { status: 204 } } });
    expect(body.verdict).toContain("without writing again");
    expect(failureOf(await emulator.control.login("ada@example.com", "laptop"))).toEqual([
      401,
      "passkey_invalid",
    ]);
  });

  test("is an HTTP archive, too", async () => {
    await emulator.control.login("ada@example.com", "phone");
    const { log } = (await emulator.get<Archive>("/wire/har")).body;
    expect(log.version).toBe("1.2");
    expect(log.entries).toHaveLength(3);
    expect(log.entries[2]).toMatchObject({
      request: { method: "POST", url: `${emulator.addresses.baseUrl}/getSessionByLoginId` },
      response: { status: 200 },
    });
  });

  test("goes on after a page has closed its stream of events", async () => {
    await (await followEvents(`${emulator.addresses.url}/wire/events`))[Symbol.asyncDispose]();
    await using events = await followEvents(`${emulator.addresses.url}/wire/events`);
    expect((await emulator.control.login("ada@example.com", "phone")).status).toBe(200);
    expect((await events.next()).endpoint).toBe("getOwnIDDataByLoginId");
  });

  test("tells each call while it is open and when it is over", async () => {
    await using events = await followEvents(`${emulator.addresses.url}/wire/events`);
    await emulator.post("/platform/discover", { loginId: "nobody@example.com" });
    const [open, over] = [await events.next(), await events.next()];
    expect([open.answer, over.answer?.status, over.id]).toEqual([null, 404, open.id]);
  });
});

describe("the emulator's listener", () => {
  let emulator: EmulatorProcess;
  beforeAll(async () => {
    emulator = await startEmulator({ options: ["--origin", "https://dev.example.test"] });
  });
  afterAll(() => emulator[Symbol.asyncDispose]());

  test("answers the pages of an origin that --origin names, also when they ask first", async () => {
    const url = `${emulator.addresses.url}/platform/discover`;
    const headers = { origin: "https://dev.example.test", "access-control-request-method": "POST" };
    const preflight = await fetch(url, { method: "OPTIONS", headers });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "https://dev.example.test",
    ]);
    expect((await discover({ origin: "https://dev.example.test" })).status).toBe(200);
    expect(failureOf(await discover({ origin: "https://other.example.test" }))).toEqual([
      403,
      "origin_refused",
    ]);
  });

  const discover = (headers: Record<string, string>) =>
    emulator.post("/platform/discover", { loginId: "sol@testmail.com" }, headers);

  test("refuses a request for another host, as a rebound name sends it", async () => {
    expect(failureOf(await discover({ host: "attacker.example" }))).toEqual([403, "origin_refused"]);
  });

  test("sends a browser that comes by the IP address to localhost, where passkeys work", async () => {
    const { port } = new URL(emulator.addresses.url);
    const { status, headers } = await fetch(`http://127.0.0.1:${port}/account`, { redirect: "manual" });
    expect([status, headers.get("location")]).toEqual([302, `${emulator.addresses.url}/account`]);
  });

  test("refuses a page of another site", async () => {
    expect(failureOf(await discover({ origin: "https://attacker.example" }))).toEqual([
      403,
      "origin_refused",
    ]);
  });

  test("lets the pages of a site on this machine use the SDK's paths, and only those", async () => {
    const headers = { origin: "http://localhost:3000" };
    expect((await discover(headers)).status).toBe(200);
    expect(failureOf(await emulator.get("/wire", headers))).toEqual([403, "origin_refused"]);
    expect(failureOf(await emulator.get("/control", headers))).toEqual([403, "origin_refused"]);
  });

  test("answers a body that is not what the path takes with 400", async () => {
    expect(failureOf(await emulator.post("/platform/discover", {}))).toEqual([400, "request_invalid"]);
    expect(failureOf(await emulator.post("/control/next-call", { drop: "both" }))).toEqual([
      400,
      "request_invalid",
    ]);
    expect(failureOf(await emulator.get("/nothing"))).toEqual([404, "not_found"]);
  });
});

/** The calls that an event stream tells, one after the other. */
async function followEvents(url: string) {
  const stop = new AbortController();
  const response = await fetch(url, { signal: stop.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async next(): Promise<WireCall> {
      for (;;) {
        const [, data] = /event: call\ndata: (.*)\n\n/.exec(text) ?? [];
        if (data !== undefined) {
          text = text.slice(text.indexOf(data) + data.length + 2);
          return JSON.parse(data);
        }
        text += (await reader?.read())?.value ?? "";
      }
    },
    [Symbol.asyncDispose]: async () => stop.abort(),
  };
}
