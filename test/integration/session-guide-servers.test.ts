import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { freePort } from "../../scripts/servers/free-port.ts";
import { requirePython } from "../../scripts/servers/server-binaries.ts";
import { loadSigningKeys } from "../../src/sessions/signing-keys.ts";
import { describeWithPython } from "../support/describe-with.ts";
import { shareGuideSite } from "../support/guide.ts";
import { startGuideServer } from "../support/guide-server.ts";
import { claimsOf, sol } from "../support/ops-client.ts";
import { createForger, type Forger } from "../support/session-tokens.ts";

setDefaultTimeout(60_000);

const site = "https://www.example.com";
const { folder, keysFile, newToken, writeSnippet } = shareGuideSite();
let forger: Forger;
beforeAll(async () => {
  forger = createForger(await loadSigningKeys(keysFile()), () => Math.floor(Date.now() / 1000));
});

/** Tokens that would pass if one of the four were not pinned. */
const foreignTokens: Readonly<Record<string, () => string | Promise<string>>> = {
  algorithm: () => forger.signWithText("session", JSON.stringify(forger.publicJwk)),
  typ: () => forger.sign("handoff"),
  issuer: () => forger.sign("session", { claims: { iss: "other" } }),
  audience: () => forger.sign("session", { claims: { aud: "other" } }),
  lifetime: () => forger.sign("session", { claims: { exp: forger.nowSeconds() - 1 } }),
};

type Ask = (path: string, init?: RequestInit) => Promise<Response>;

const login = (token: unknown, origin: string | null = site) => ({
  method: "POST",
  headers: { "content-type": "application/json", ...(origin === null ? {} : { origin }) },
  body: JSON.stringify({ token }),
});

/** What every server of the guide does. */
async function expectSessions(ask: Ask): Promise<void> {
  const token = await newToken();
  const { status, headers } = await ask("/login", login(token));
  const cookie = headers.get("set-cookie") ?? "";
  expect([status, cookie.split(";")[0]]).toEqual([204, `ownid_session=${token}`]);
  const flags = cookie.split("; ").map((flag) => flag.toLowerCase());
  for (const flag of ["httponly", "secure", "samesite=lax", "path=/"]) expect(flags).toContain(flag);
  const expires = flags.find((flag) => flag.startsWith("expires=")) ?? "";
  expect(Date.parse(expires.slice("expires=".length))).toBe((claimsOf(token).exp ?? 0) * 1000);

  const account = (value: string | null) =>
    ask("/account", { headers: value === null ? {} : { cookie: `a=b; ownid_session=${value}` } });
  const shown = await account(token);
  expect([shown.status, await shown.json()]).toEqual([200, { loginId: sol }]);
  for (const origin of [null, "https://evil.example.com"])
    expect((await ask("/login", login(token, origin))).status).toBe(403);
  expect((await account(null)).status).toBe(401);
  for (const [what, forge] of Object.entries(foreignTokens)) {
    const foreign = await forge();
    const refused = [await ask("/login", login(foreign)), await account(foreign)];
    expect([what, ...refused.map((answer) => answer.status)]).toEqual([what, 401, 401]);
    expect(refused.map((answer) => answer.headers.get("set-cookie"))).toEqual([null, null]);
  }
  for (const nothing of [undefined, 1, "", "\ud800"])
    expect((await ask("/login", login(nothing))).status).toBe(401);
}

/** Runs a server of the guide as its own process while `work` asks it. */
async function withServer(
  argv: (port: number) => string[],
  work: (ask: Ask) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  await using server = await startGuideServer({ argv: argv(port), cwd: folder.path, port });
  await work(server.ask);
}

const node = Bun.which("node") ?? process.execPath;
const servers = {
  express: (port: number) => [node, writeSnippet("js express", "express.mjs", port)],
  fastify: (port: number) => [node, writeSnippet("js fastify", "fastify.mjs", port)],
  hono: (port: number) => [process.execPath, writeSnippet("js hono", "hono.mjs", port)],
};

describe("the guide's server", () => {
  test.each(Object.entries(servers))(
    "for %s makes OwnID's token the session of the site",
    async (_, argv) => {
      await withServer(argv, expectSessions);
    },
  );
});

const packages = ["python3-jwt", "python3-cryptography"] as const;
describeWithPython(packages, "the guide's server for Python", () => {
  test("makes OwnID's token the session of the site", async () => {
    const argv = (port: number) => [requirePython(packages), writeSnippet("python", "app.py", port)];
    await withServer(argv, expectSessions);
  });
});

describe("the guide's modules for Next.js", () => {
  test("make OwnID's token the session of the site, with nothing but what the edge runtime has", async () => {
    const names = ["lib/session.js", "middleware.js", "app/api/login/route.js"];
    for (const name of names) writeSnippet(`js ${name}`, `next/${name}`);
    symlinkSync(folder.at("node_modules"), folder.at("next/node_modules"));
    const modules = await Promise.all(names.slice(1).map(importForEdge));
    const [{ middleware, config }, { POST }] = modules as [
      { middleware: (request: Request) => Promise<Response | undefined>; config: object },
      { POST: (request: Request) => Promise<Response> },
    ];
    expect(config).toEqual({ matcher: "/account/:path*" });
    await expectSessions(async (path, init) => {
      const request = new Request(`${site}${path}`, init);
      if (path === "/login") return POST(request);
      const answer = await middleware(request);
      if (answer === undefined) return Response.json({ loginId: sol });
      expect([answer.status, answer.headers.get("location")]).toEqual([302, `${site}/login`]);
      return new Response(null, { status: 401 });
    });
  });

  /** A bundle for browsers has none of Node's modules. */
  async function importForEdge(name: string): Promise<unknown> {
    const entrypoints = [folder.at(`next/${name}`)];
    const { outputs } = await Bun.build({
      entrypoints,
      target: "browser",
      format: "esm",
      packages: "bundle",
    });
    const code = (await outputs[0]?.text()) ?? "";
    expect(code).not.toMatch(/\bfrom ?"node:|\brequire\(/);
    const bundle = folder.at(`next/${name.replaceAll("/", "-")}.bundle.mjs`);
    writeFileSync(bundle, code);
    return import(bundle);
  }
});
