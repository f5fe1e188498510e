import { describe, expect, test } from "bun:test";
import { createSignedRequests, type SignedRequestsOptions } from "../../scripts/load/signed-requests.ts";
import { createSignatureVerifier } from "../../src/protocol/signature.ts";

const sharedSecret = new Uint8Array(32).fill(7);
const nowMs = 1_900_000_000_000;

function createRequests(options: Partial<SignedRequestsOptions> = {}) {
  return createSignedRequests({
    host: "127.0.0.1:3300",
    basePath: "/ownid",
    sharedSecret,
    mix: { get: 1, set: 1, session: 1 },
    loginIds: { count: 1, at: () => "sol@testmail.com" },
    valueBytes: 64,
    now: () => nowMs,
    random: Math.random,
    ...options,
  });
}

/** The message as a server reads it. */
function parse(bytes: Buffer) {
  const end = bytes.indexOf("\r\n\r\n");
  const [requestLine = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const headers = new Map(
    lines.map((line) => [line.split(": ")[0]?.toLowerCase(), line.split(": ")[1] ?? ""]),
  );
  const body = bytes.subarray(end + 4);
  return { requestLine, headers, body, content: JSON.parse(body.toString("utf8")) };
}

describe("signed requests", () => {
  test("hold before the sidecar's own verifier, also where a login id is not ASCII", () => {
    const verify = createSignatureVerifier({
      sharedSecrets: [sharedSecret],
      toleranceSeconds: 60,
      now: () => nowMs,
    });
    const requests = createRequests({ loginIds: { count: 1, at: () => "zoë😀@example.com" } });
    for (let count = 0; count < 100; count += 1) {
      const { headers, body, content } = parse(requests.next().bytes);
      const signature = headers.get("ownid-signature") ?? null;
      const timestamp = headers.get("ownid-timestamp") ?? null;
      expect(verify({ body, signature, timestamp }).signedAtMs).toBe(nowMs);
      expect(headers.get("content-length")).toBe(String(body.length));
      expect(content.loginId).toBe("zoë😀@example.com");
    }
  });

  test("of one user in one millisecond have as many signatures as there are requests", () => {
    const requests = createRequests();
    const signatures = Array.from({ length: 3000 }, () =>
      parse(requests.next().bytes).headers.get("ownid-signature"),
    );
    expect(new Set(signatures).size).toBe(3000);
  });

  test("have a signature of their own although the clock is set back", () => {
    const clock = [nowMs, nowMs + 5, nowMs, nowMs + 5, nowMs + 6, nowMs + 6];
    const requests = createRequests({ mix: { get: 1, set: 0, session: 0 }, now: () => clock.shift() ?? 0 });
    const sent = Array.from({ length: 6 }, () => parse(requests.next().bytes).headers);
    expect(new Set(sent.map((headers) => headers.get("ownid-signature"))).size).toBe(6);
    expect(sent.map((headers) => Number(headers.get("ownid-timestamp")) - nowMs)).toEqual([0, 5, 5, 5, 6, 6]);
  });

  test("call the endpoints as the mix says", () => {
    const count = { get: 0, set: 0, session: 0 };
    const requests = createRequests({ mix: { get: 90, set: 4, session: 6 }, random: createEvenSpread() });
    for (let number = 0; number < 10_000; number += 1) count[requests.next().endpoint] += 1;
    expect(Math.abs(count.get - 9000)).toBeLessThan(20);
    expect(Math.abs(count.set - 400)).toBeLessThan(20);
    expect(Math.abs(count.session - 600)).toBeLessThan(20);
  });

  test("write a new value of the size that was asked for every time", () => {
    const requests = createRequests({ mix: { get: 0, set: 1, session: 0 }, valueBytes: 5000 });
    const values = Array.from({ length: 50 }, () => parse(requests.next().bytes).content.ownIdData);
    expect(new Set(values).size).toBe(50);
    expect(values.every((value) => Buffer.byteLength(value) === 5000)).toBe(true);
  });

  test("go to the endpoint's path with what the endpoint takes", () => {
    const only = { get: 0, set: 0, session: 0 };
    const of = (endpoint: "get" | "set" | "session") =>
      parse(createRequests({ mix: { ...only, [endpoint]: 1 } }).next().bytes);
    expect(of("get").requestLine).toBe("POST /ownid/getOwnIDDataByLoginId HTTP/1.1");
    expect(Object.keys(of("get").content)).toEqual(["loginId"]);
    expect(of("set").requestLine).toBe("POST /ownid/setOwnIDDataByLoginId HTTP/1.1");
    expect(Object.keys(of("set").content)).toEqual(["loginId", "ownIdData"]);
    expect(of("session").requestLine).toBe("POST /ownid/getSessionByLoginId HTTP/1.1");
    expect(of("session").content).toEqual({ loginId: "sol@testmail.com", sessionType: "browser" });
  });

  test("are about every login id, and begin with the first", () => {
    const loginIds = { count: 3, at: (index: number) => `user${index}` };
    const requests = createRequests({ loginIds, mix: { get: 1, set: 0, session: 0 } });
    const seen = new Set(Array.from({ length: 200 }, () => parse(requests.next().bytes).content.loginId));
    expect([...seen].toSorted()).toEqual(["user0", "user1", "user2"]);
    expect(parse(requests.first().bytes).content).toEqual({ loginId: "user0" });
  });
});

/** Multiples of the golden ratio modulo 1: spread over [0, 1) more evenly than chance would, every other one too. */
function createEvenSpread(): () => number {
  let value = 0;
  return () => {
    value = (value + (Math.sqrt(5) - 1) / 2) % 1;
    return value;
  };
}
