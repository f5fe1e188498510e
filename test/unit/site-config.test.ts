import { describe, expect, test } from "bun:test";
import { load, problemsOf, useConfigFolder } from "../support/loaded-config.ts";

useConfigFolder();

const bytes = (amount: number) => Buffer.alloc(amount, "secret").toString("base64");
const http = { SESSION_PROVIDER: "http", SESSION_URL: "https://www.example.com/ownid-session" };
const site = { ...http, SESSION_URL_SECRET: bytes(32) };

describe("SESSION_PROVIDER=http", () => {
  test("needs the address and the secret of the site's endpoint, and no keys", () => {
    const { sessions } = load({ ...site, SESSION_ALG: "HS256" });
    expect(sessions.site).toMatchObject({ url: http.SESSION_URL, timeoutMs: 3000 });
    expect(sessions.site?.secrets.reveal()).toEqual([new Uint8Array(Buffer.alloc(32, "secret"))]);
    expect(problemsOf({ SESSION_PROVIDER: "http" })).toEqual([
      "SESSION_URL must be set, since SESSION_PROVIDER is http.",
      "SESSION_URL_SECRET must be set, since SESSION_PROVIDER is http.",
    ]);
    const production = { ...site, NODE_ENV: "production", SESSION_KEYS_FILE: "/nowhere" };
    expect(problemsOf(production).filter((problem) => problem.startsWith("SESSION"))).toEqual([]);
  });

  test("takes a secret as Standard Webhooks writes it, and two during a rotation", () => {
    const secretsOf = (SESSION_URL_SECRET: string) =>
      load({ ...site, SESSION_URL_SECRET })
        .sessions.site?.secrets.reveal()
        .map(({ length }) => length);
    expect(secretsOf(`whsec_${bytes(24)}`)).toEqual([24]);
    expect(secretsOf(`${bytes(64)}, whsec_${bytes(32)}`)).toEqual([64, 32]);
    for (const SESSION_URL_SECRET of [
      bytes(23),
      bytes(65),
      "no base64!",
      `whsek_${bytes(32)}`,
      Array(3).fill(bytes(32)).join(),
    ])
      expect(problemsOf({ ...site, SESSION_URL_SECRET })).toEqual([
        expect.stringContaining("SESSION_URL_SECRET must be base64 of 24 to 64 bytes"),
      ]);
  });

  test("does not send users' names over a network unencrypted in production, and warns of it elsewhere", () => {
    const sentence = expect.stringContaining(
      "SESSION_URL must begin with https:// unless its host is this machine",
    );
    for (const host of ["site:3000", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com"]) {
      const exposed = { ...site, SESSION_URL: `http://${host}/session` };
      expect(problemsOf({ ...exposed, NODE_ENV: "production" })).toContainEqual(sentence);
      expect(load(exposed).warnings).toEqual([sentence]);
    }
    for (const host of ["localhost:3000", "127.0.0.1:3000", "127.1.2.3", "[::1]:3000"])
      expect(load({ ...site, SESSION_URL: `http://${host}/session` }).warnings).toEqual([]);
  });

  test.each([
    ["/session", "must be an address"],
    ["ftp://www.example.com/", "must be an address"],
    ["https://user:marker@www.example.com/", "must not contain a user or a password"],
    ["https://www.example.com/#marker", "must not contain a fragment"],
  ])("refuses the address %p", (SESSION_URL, problem) => {
    const problems = problemsOf({ ...site, SESSION_URL });
    expect(problems).toEqual([expect.stringContaining(`SESSION_URL ${problem}`)]);
    expect(problems.join()).not.toContain("marker");
  });

  test("leaves nothing to exchange", () => {
    expect(problemsOf({ ...site, SESSION_HANDOFF: "exchange", BACKEND_TOKEN: "x".repeat(32) })).toEqual([
      "SESSION_HANDOFF must be off, since SESSION_PROVIDER is http: only the sidecar's own tokens can be exchanged.",
    ]);
  });

  test("counts the site's time towards that of a request", () => {
    const slow = { ...site, SESSION_URL_TIMEOUT_MS: "30000" };
    expect(problemsOf({ ...slow, KEEP_ALIVE_SECONDS: "41" })).toEqual([
      "KEEP_ALIVE_SECONDS must exceed twice COHERENCE_STATEMENT_MS plus SESSION_URL_TIMEOUT_MS plus one second, which is 41.",
    ]);
    expect(problemsOf({ ...slow, KEEP_ALIVE_SECONDS: "42" })).toEqual([]);
  });
});

test("settings of the site's endpoint are pointed out where the sidecar issues tokens", () => {
  const { sessions, warnings } = load({ SESSION_URL: http.SESSION_URL, SESSION_URL_SECRET: bytes(32) });
  expect(sessions.site).toBeNull();
  expect(warnings).toEqual([
    "SESSION_URL is set, but SESSION_PROVIDER=jwt does not use it.",
    "SESSION_URL_SECRET is set, but SESSION_PROVIDER=jwt does not use it.",
  ]);
});
