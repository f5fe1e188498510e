import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

let app: RunningApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app[Symbol.asyncDispose]());

async function ask(url: string, method = "GET") {
  const response = await fetch(url, { method, redirect: "manual" });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

describe("200", () => {
  test("gives the public keys at both paths, with a trailing slash or not", async () => {
    const key = {
      kty: "EC",
      crv: "P-256",
      x: expect.stringMatching(/^[\w-]{43}$/),
      y: expect.stringMatching(/^[\w-]{43}$/),
      kid: expect.stringMatching(/^[\w-]{43}$/),
      alg: "ES256",
      use: "sig",
    };
    // One signs, and one will.
    const expected = { status: 200, type: "application/jwk-set+json", body: { keys: [key, key] } };
    const bodies = new Set<string>();
    for (const base of [app.publicUrl, app.baseUrl]) {
      for (const path of ["/.well-known/jwks.json", "/.well-known/jwks.json/"]) {
        const answer = await ask(base + path);
        expect(outcomeOf(answer)).toEqual(expected);
        expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
        bodies.add(answer.body);
      }
    }
    expect(bodies.size).toBe(1);
  });

  test("may be cached as long as JWKS_MAX_AGE_SECONDS says", async () => {
    const { headers } = await ask(`${app.publicUrl}/.well-known/jwks.json`);
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    await using other = await startApp({ jwksMaxAgeSeconds: 0 });
    const answer = await ask(`${other.publicUrl}/.well-known/jwks.json`);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=0");
  });

  test("has the type that the client accepts, and that of a key set unless it asks for another", async () => {
    const typeFor = async (accept: string) => {
      const { headers } = await fetch(`${app.publicUrl}/.well-known/jwks.json`, { headers: { accept } });
      expect(headers.get("vary")).toBe("accept");
      return headers.get("content-type");
    };
    for (const accept of [
      "application/json",
      "Application/JSON;q=0.9",
      "application/json, text/plain, */*",
    ]) {
      expect(await typeFor(accept)).toBe("application/json");
    }
    for (const accept of ["*/*", "text/html", "application/json, application/jwk-set+json;q=0.5", ""]) {
      expect(await typeFor(accept)).toBe("application/jwk-set+json");
    }
  });

  test("is there once when the endpoints are at the root", async () => {
    await using rooted = await startApp({ basePath: "" });
    expect((await ask(`${rooted.publicUrl}/.well-known/jwks.json`)).status).toBe(200);
    expect((await rooted.client.get("sol@testmail.com")).status).toBe(204);
    expect((await ask(`${rooted.publicUrl}/ownid/.well-known/jwks.json`)).status).toBe(404);
  });

  test("answers HEAD with the same head and no body", async () => {
    const answer = await ask(`${app.publicUrl}/.well-known/jwks.json`, "HEAD");
    expect(answer.status).toBe(200);
    expect(answer.body).toBe("");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=300");
  });
});

describe("405", () => {
  test("names GET and HEAD, whatever the other method", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      for (const base of [app.publicUrl, app.baseUrl]) {
        const answer = await ask(`${base}/.well-known/jwks.json`, method);
        expect(outcomeOf(answer)).toEqual(problem("ERR_METHOD_NOT_ALLOWED"));
        expect(answer.headers.get("allow")).toBe("GET, HEAD");
        expect(answer.headers.get("cache-control")).toBe("no-store");
      }
    }
  });
});

test("the ops listener does not have it", async () => {
  expect((await ask(`${app.opsUrl}/.well-known/jwks.json`)).status).toBe(404);
});
