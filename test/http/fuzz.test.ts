import { afterAll, beforeAll, expect, test } from "bun:test";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import type { Endpoint, SignedRequest } from "../../scripts/client/signed-client.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

/** Another one gives other requests; a failure names the request's number under this one. */
const seed = Number(process.env.FUZZ_SEED ?? 20_260_101);
const requests = 2000;
const rawRequests = 400;
const sol = "sol@testmail.com";

/** Every status that a request may end with, whatever it is: 501 and 505 come from the parser of HTTP itself. */
const honest = [200, 204, 400, 401, 404, 405, 413, 415, 431, 501, 505];

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);

let app: RunningApp;
beforeAll(async () => {
  process.on("unhandledRejection", note);
  app = await startApp({ users: [{ email: sol, ownIdData: "data" }], bodyBytesMax: 4096 });
});
afterAll(async () => {
  process.off("unhandledRejection", note);
  await app[Symbol.asyncDispose]();
});

test("a signed body of random JSON never ends in a fault of ours", async () => {
  const random = createRandom(seed);
  await expectHonesty(requests, async () => {
    const { client } = app;
    const { status } = await client.send(client.sign(random.pick(endpoints), randomBody(random)));
    return status;
  });
});

test("a signed body of random bytes never ends in a fault of ours", async () => {
  const random = createRandom(seed + 1);
  await expectHonesty(requests, async () => {
    const { client } = app;
    const body = mutate(random, new TextEncoder().encode(randomBody(random)));
    const { status } = await client.send(client.sign(random.pick(endpoints), body));
    return status;
  });
});

test("a request with random bytes anywhere in it never ends in a fault of ours", async () => {
  const random = createRandom(seed + 2);
  await expectHonesty(rawRequests, async () => {
    const request = app.client.sign(random.pick(endpoints), randomBody(random));
    const parts = [mutate(random, joined(request))];
    const answer = await exchangeRaw(app.publicUrl, { parts, hangUp: true }).catch(() => null);
    // What is no HTTP at all may also be hung up on.
    return answer?.status ?? 400;
  });
});

test("afterwards the same process answers as before", async () => {
  expect(unhandled).toEqual([]);
  app.table.write(sol, "data");
  expect((await app.client.get(sol)).body).toBe('{"ownIdData":"data"}');
  const faults = app.logLines.filter((line) => JSON.parse(line).level >= 50);
  expect(faults).toEqual([]);
  expect(app.table.count()).toBe(1);
});

const endpoints: readonly Endpoint[] = [
  "setOwnIDDataByLoginId",
  "getOwnIDDataByLoginId",
  "getSessionByLoginId",
];

/** A few at a time, so that they also meet each other. */
async function expectHonesty(count: number, send: () => Promise<number>): Promise<void> {
  const dishonest: { readonly number: number; readonly status: number }[] = [];
  const atOnce = 8;
  for (let number = 0; number < count; number += atOnce) {
    const statuses = await Promise.all(Array.from({ length: atOnce }, send));
    for (const [index, status] of statuses.entries()) {
      if (!honest.includes(status)) dishonest.push({ number: number + index, status });
    }
  }
  expect({ seed, dishonest }).toEqual({ seed, dishonest: [] });
}

type Random = ReturnType<typeof createRandom>;

/** Mulberry32: small, and the same on every machine. */
function createRandom(from: number) {
  let state = from >>> 0;
  function below(limit: number): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }
  function pick<Item>(items: readonly Item[]): Item {
    const item = items[below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
  return { below, pick };
}

const names = [
  "loginId",
  "ownIdData",
  "sessionType",
  "__proto__",
  "constructor",
  "toJSON",
  "length",
  "",
  "x",
];
const texts = [
  ...[
    sol,
    "mia@testmail.com",
    "",
    " ",
    "browser",
    "mobile",
    "data",
    "\0",
    "\ud800",
    "\udc00x",
    "😀",
    "\u2028",
  ],
  ...["null", "__proto__", "' OR 1=1 --", "a".repeat(320), "a".repeat(321), "\u0085", "\ufeff", "%00", "\\"],
];
const scalars = [null, true, false, 0, -0, 1.5, 1e308, -1, 404];

/** Often what an endpoint asks for, with one thing or another replaced. */
function randomBody(random: Random): string {
  if (random.below(8) === 0) return JSON.stringify(randomValue(random, 4)) ?? "";
  const members = Array.from({ length: random.below(5) }, () => [random.pick(names), randomValue(random, 2)]);
  const body = Object.fromEntries([
    ["loginId", random.pick(texts)],
    ["ownIdData", random.pick(texts)],
    ...members,
  ]);
  if (random.below(3) === 0) delete body.ownIdData;
  return JSON.stringify(body);
}

function randomValue(random: Random, depth: number): unknown {
  const kind = random.below(depth > 0 ? 4 : 2);
  if (kind === 0) return random.pick(texts);
  if (kind === 1) return random.pick(scalars);
  const items = Array.from({ length: random.below(4) }, () => randomValue(random, depth - 1));
  return kind === 2 ? items : Object.fromEntries(items.map((item) => [random.pick(names), item]));
}

/** Bytes flipped, removed, doubled, replaced or added, at up to six places. */
function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const mutated = [...bytes];
  for (let times = random.below(6) + 1; times > 0; times -= 1) {
    const at = random.below(mutated.length + 1);
    const change = random.below(5);
    if (change === 0) mutated.splice(at, 1);
    if (change === 1) mutated.splice(at, 0, random.below(256));
    if (change === 2) mutated.splice(at, 1, random.below(256));
    if (change === 3) mutated.splice(at, 0, ...mutated.slice(at, at + random.below(30)));
    if (change === 4) mutated.splice(at, random.below(30));
  }
  return Uint8Array.from(mutated);
}

function joined(request: SignedRequest): Uint8Array {
  return Buffer.concat([...rawRequest(request).parts].map((part) => Buffer.from(part)));
}
