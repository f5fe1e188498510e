import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import type { SignedRequest } from "../../scripts/client/signed-client.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

/**
 * A property that has not had all its runs after 50 s fails. A failure names its seed and the smallest requests that
 * cause it; set FUZZ_SEED to repeat it, or to send other requests.
 */
const limits = {
  seed: Number(process.env.FUZZ_SEED ?? 20_260_101),
  interruptAfterTimeLimit: 50_000,
  markInterruptAsFailure: true,
};
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

const endpoint = fc.constantFrom("setOwnIDDataByLoginId", "getOwnIDDataByLoginId", "getSessionByLoginId");
const name = fc.constantFrom(
  ...["loginId", "ownIdData", "sessionType", "__proto__", "constructor", "toJSON", "length", "", "x"],
);
const text = fc.oneof(
  fc.constantFrom(
    ...[sol, "mia@testmail.com", "", " ", "browser", "mobile", "data", "\0", "\ud800", "\udc00x", "😀"],
    ...["\u2028", "null", "__proto__", "' OR 1=1 --", "a".repeat(320), "a".repeat(321), "\u0085", "\ufeff"],
    ...["%00", "\\"],
  ),
  fc.string({ unit: "binary", maxLength: 30 }),
);
const value = fc.oneof(
  text,
  fc.constantFrom(null, true, false, 0, -0, 1.5, 1e308, -1, 404),
  fc.jsonValue({ maxDepth: 4 }),
);

/** Often a text that an endpoint takes. */
const often = (...good: readonly string[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: text });

/** What an endpoint asks for, often with members added or repeated. */
const others = fc.oneof(fc.constant([]), fc.array(fc.tuple(name, value), { maxLength: 4 }));
const members = fc
  .tuple(often(sol, "mia@testmail.com"), fc.option(often("data", "{}")), others)
  .map(([loginId, ownIdData, more]) => {
    const own = [["loginId", loginId], ...(ownIdData === null ? [] : [["ownIdData", ownIdData]])];
    const written = [...own, ...more].map(([key, held]) => `${JSON.stringify(key)}:${JSON.stringify(held)}`);
    return `{${written.join(",")}}`;
  });
const body = fc.oneof(
  { weight: 7, arbitrary: members },
  { weight: 1, arbitrary: value.map((any) => JSON.stringify(any)) },
);

interface Edit {
  /** From 0, before the first byte, to 1, after the last one. */
  readonly place: number;
  /** How many bytes are removed there, and how many of those that follow are doubled. */
  readonly removed: number;
  readonly doubled: number;
  readonly added: Uint8Array;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat(30),
  doubled: fc.nat(30),
  added: fc.uint8Array({ maxLength: 2 }),
});
const edits = fc.array(edit, { minLength: 1, maxLength: 6 });

test("a signed body of random JSON never ends in a fault of ours", async () => {
  await expectHonesty(500, fc.tuple(endpoint, body), async ([path, content]) => {
    const { status } = await app.client.send(app.client.sign(path, content));
    return status;
  });
}, 60_000);

test("a signed body of random bytes never ends in a fault of ours", async () => {
  await expectHonesty(500, fc.tuple(endpoint, body, edits), async ([path, content, changes]) => {
    const bytes = edited(new TextEncoder().encode(content), changes);
    const { status } = await app.client.send(app.client.sign(path, bytes));
    return status;
  });
}, 60_000);

test("a request with random bytes anywhere in it never ends in a fault of ours", async () => {
  await expectHonesty(100, fc.tuple(endpoint, body, edits), async ([path, content, changes]) => {
    const parts = [edited(bytesOf(app.client.sign(path, content)), changes)];
    const answer = await exchangeRaw(app.publicUrl, { parts, hangUp: true }).catch(() => null);
    // What is no HTTP at all may also be hung up on.
    return answer?.status ?? 400;
  });
}, 60_000);

test("afterwards the same process answers as before", async () => {
  expect(unhandled).toEqual([]);
  app.table.write(sol, "data");
  expect((await app.client.get(sol)).body).toBe('{"ownIdData":"data"}');
  const faults = app.logLines.filter((line) => JSON.parse(line).level >= 50);
  expect(faults).toEqual([]);
  expect(app.table.count()).toBe(1);
});

/** Sends up to eight requests at once, so that they also meet each other, so many times. */
function expectHonesty<Case>(
  times: number,
  request: fc.Arbitrary<Case>,
  send: (request: Case) => Promise<number>,
): Promise<void> {
  const atOnce = fc.array(request, { minLength: 1, maxLength: 8 });
  const property = fc.asyncProperty(atOnce, async (requests) => {
    const statuses = await Promise.all(requests.map(send));
    expect(statuses.filter((status) => !honest.includes(status))).toEqual([]);
  });
  return fc.assert(property, { ...limits, numRuns: times });
}

function edited(bytes: Uint8Array, changes: readonly Edit[]): Uint8Array {
  const all = [...bytes];
  for (const { place, removed, doubled, added } of changes) {
    const at = Math.round(place * all.length);
    all.splice(at, removed, ...added, ...all.slice(at, at + doubled));
  }
  return Uint8Array.from(all);
}

function bytesOf(request: SignedRequest): Uint8Array {
  return Buffer.concat([...rawRequest(request).parts].map((part) => Buffer.from(part)));
}
