import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import jwt from "jsonwebtoken";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(30_000);

const sol = "sol@testmail.com";
const expected = { issuer: "ownid-sidecar", audience: "website" };

async function startWith(environment: Readonly<Record<string, string>>) {
  const sidecar = spawnSidecar({ ...environment, BACKEND_TOKEN: "b".repeat(32), DRAIN_SECONDS: "0" });
  const { baseUrl, opsUrl } = await sidecar.ready();
  const client = sidecar.clientAt(baseUrl);
  return {
    sidecar,
    newToken: async (): Promise<string> => JSON.parse((await client.session(sol)).body).token,
    published: async () => JSON.parse(await (await fetch(`${baseUrl}/.well-known/jwks.json`)).text()).keys,
    async isActive(token: string): Promise<boolean> {
      const headers = { authorization: `Bearer ${"b".repeat(32)}` };
      const request = { method: "POST", headers, body: new URLSearchParams({ token }) };
      return JSON.parse(await (await fetch(`${opsUrl}/introspect`, request)).text()).active;
    },
    [Symbol.asyncDispose]: () => sidecar[Symbol.asyncDispose](),
  };
}

describe("a sidecar with SESSION_ALG", () => {
  test("HS256 needs no keys, publishes none, and ends its sessions when the secret is replaced in its file", async () => {
    using folder = temporaryFolder();
    const secret = "a session secret of thirty-two b";
    writeFileSync(folder.at("secret"), `${secret}\n`);
    await using site = await startWith({ SESSION_ALG: "HS256", SESSION_SECRET_FILE: folder.at("secret") });
    expect(await site.published()).toEqual([]);
    expect(await Bun.file(site.sidecar.folder.at("data/session-keys.json")).exists()).toBe(false);
    const token = await site.newToken();
    expect(jwt.verify(token, secret, { ...expected, algorithms: ["HS256"] }).sub).toBe(sol);
    expect(await site.isActive(token)).toBe(true);
    const other = "another session secret of 32 byt";
    writeFileSync(folder.at("secret"), other);
    expect(await eventually(() => site.isActive(token), false, 10_000)).toBe(false);
    expect(jwt.verify(await site.newToken(), other, { ...expected, algorithms: ["HS256"] }).sub).toBe(sol);
  });

  test("does not start with a file of keys for another algorithm, and says what to do", async () => {
    using folder = temporaryFolder();
    await createSigningKeys(folder.at("keys.json"));
    await using sidecar = spawnSidecar({ SESSION_ALG: "EdDSA", SESSION_KEYS_FILE: folder.at("keys.json") });
    expect(await sidecar.ended()).toBe(78);
    expect(sidecar.output.stderr).toContain(
      `SESSION_KEYS_FILE: ${folder.at("keys.json")} holds a key for ES256, but SESSION_ALG is EdDSA. Set SESSION_ALG=ES256, or name a file for EdDSA`,
    );
  });

  test("HS256 does not start without a secret of 32 bytes, and never prints it", async () => {
    for (const [secret, problem] of [
      ["", "SESSION_SECRET must be set, since SESSION_ALG is HS256."],
      ["hunter2".repeat(4), "SESSION_SECRET must be 32 bytes or more."],
    ] as const) {
      await using sidecar = spawnSidecar({ SESSION_ALG: "HS256", SESSION_SECRET: secret });
      expect(await sidecar.ended()).toBe(78);
      expect(sidecar.output.stderr).toContain(problem);
      expect(sidecar.output.stderr + sidecar.output.stdout).not.toContain("hunter2");
    }
  });
});
