import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/servers/free-port.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createTlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { createDeployment, itemsOf } from "../support/deployment.ts";
import { guideSnippet } from "../support/guide.ts";
import { startGuideServer } from "../support/guide-server.ts";
import { sol } from "../support/ops-client.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";
import { answering, partsOf, type SiteServer, startSite } from "../support/site-server.ts";

setDefaultTimeout(30_000);

const root = join(import.meta.dir, "../..");
const randomSecret = () => crypto.getRandomValues(Buffer.alloc(32)).toString("base64");

/** Starts the endpoint of the guide as a site would, on another port. */
async function startGuideEndpoint(secret: string) {
  const port = await freePort();
  const folder = temporaryFolder();
  symlinkSync(join(root, "node_modules"), folder.at("node_modules"));
  writeFileSync(folder.at("endpoint.mjs"), guideSnippet("js site-endpoint", { "8080": String(port) }));
  const server = await startGuideServer({
    argv: [process.execPath, folder.at("endpoint.mjs")],
    cwd: folder.path,
    environment: { SESSION_URL_SECRET: secret },
    port,
  });
  const path = "/ownid-session";
  return {
    url: `http://127.0.0.1:${port}${path}`,
    post: (init: RequestInit) => server.ask(path, { method: "POST", ...init }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe("the endpoint of the guide", () => {
  const secret = `whsec_${randomSecret()}`;

  test("gives the session that OwnID is answered", async () => {
    await using endpoint = await startGuideEndpoint(secret);
    await using sidecar = spawnSidecar({
      SESSION_PROVIDER: "http",
      SESSION_URL: endpoint.url,
      SESSION_URL_SECRET: secret,
    });
    const { baseUrl } = await sidecar.ready();
    const client = sidecar.clientAt(baseUrl);
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.session(sol, "browser")));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const ids = answers.map(({ body }) => JSON.parse(body).sessionId);
    expect(new Set(ids).size).toBe(20);
    expect(ids[0]).toMatch(/^[\w-]{43}$/);
  });

  test("refuses a request that is not the sidecar's, or comes a second time", async () => {
    await using endpoint = await startGuideEndpoint(secret);
    await using site = await startSite(answering("{}"));
    await using sidecar = spawnSidecar({
      SESSION_PROVIDER: "http",
      SESSION_URL: site.url,
      SESSION_URL_SECRET: secret,
    });
    const { baseUrl } = await sidecar.ready();
    expect((await sidecar.clientAt(baseUrl).session(sol)).status).toBe(200);
    const { headers, body } = partsOf(site.requests[0] ?? "");
    const signed = {
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("webhook-"))),
    };
    expect((await endpoint.post({ ...signed, body: body.replace("sol@", "mia@") })).status).toBe(401);
    expect((await endpoint.post({ body })).status).toBe(401);
    expect((await endpoint.post({ ...signed, body })).status).toBe(200);
    expect((await endpoint.post({ ...signed, body })).status).toBe(409);
  });

  test("goes on after a connection was cut within a request", async () => {
    await using endpoint = await startGuideEndpoint(secret);
    const { hostname, port } = new URL(endpoint.url);
    const cut = Promise.withResolvers<void>();
    await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => void socket.end("POST / HTTP/1.1\r\nHost: site\r\nContent-Length: 9\r\n\r\n{"),
        close: () => cut.resolve(),
        data() {},
      },
    });
    await cut.promise;
    for (let turn = 0; turn < 3; turn += 1) expect((await endpoint.post({ body: "{}" })).status).toBe(401);
  });
});

describe("the doctor", () => {
  const judged = async (url: string, changes: Record<string, string> = {}) => {
    await using deployment = await createDeployment({
      SESSION_PROVIDER: "http",
      SESSION_URL: url,
      SESSION_URL_SECRET: randomSecret(),
      SESSION_KEYS_FILE: undefined,
      ...changes,
    });
    const items = await itemsOf(deployment);
    const ofTokens = ["files.keys", "files.state"].filter((id) => items.has(id));
    const { status, detail } = items.get("sessions.endpoint") ?? {};
    return { status, detail, ofTokens };
  };

  test("finds that the endpoint of the guide verifies signatures", async () => {
    await using endpoint = await startGuideEndpoint(randomSecret());
    expect(await judged(endpoint.url)).toEqual({
      status: "fine",
      detail: "it refuses a request with a wrong signature (401)",
      ofTokens: [],
    });
  });

  test.each([
    ["verifies nothing", answering("{}"), "wrong", "answers 200 to a request with a wrong signature"],
    [
      "blocks everyone",
      answering("{}", { status: 423 }),
      "wrong",
      "answers 423 to a request with a wrong signature",
    ],
    [
      "redirects",
      answering("", { status: 308, head: "Location: /\r\n" }),
      "wrong",
      "leads to a redirect (308)",
    ],
    ["is not there", answering("", { status: 404 }), "wrong", "does not accept POST (404)"],
    ["fails", answering("", { status: 500 }), "warning", "answers 500 to a request with a wrong signature"],
    ["hangs", () => {}, "wrong", "does not answer within 300 ms"],
  ] as const)("names an endpoint that %s", async (_what, behave, status, detail) => {
    await using site = await startSite(behave);
    const verdict = await judged(site.url, { SESSION_URL_TIMEOUT_MS: "300" });
    expect(verdict).toMatchObject({ status, detail: expect.stringContaining(detail) });
  });

  test("names an endpoint that cannot be reached", async () => {
    const verdict = await judged(`http://127.0.0.1:${await freePort()}/`);
    expect(verdict).toMatchObject({ status: "wrong", detail: expect.stringContaining("ECONNREFUSED") });
  });
});

describe("a sidecar whose site makes the sessions", () => {
  let site: SiteServer;
  let sidecar: SidecarProcess;
  let baseUrl: string;
  beforeAll(async () => {
    site = await startSite(answering('{"session":1}'));
    // Nothing listens there: whatever took the proxy would fail.
    const proxy = `http://127.0.0.1:${await freePort()}`;
    sidecar = spawnSidecar(
      {
        SESSION_PROVIDER: "http",
        SESSION_URL: site.url,
        SESSION_URL_SECRET_FILE: "site-secret",
        HTTP_PROXY: proxy,
        HTTPS_PROXY: proxy,
      },
      undefined,
      { "site-secret": randomSecret() },
    );
    ({ baseUrl } = await sidecar.ready());
  });
  afterAll(async () => {
    await sidecar[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  test("says at the start what the ops listener does not know, and makes no keys", async () => {
    const line = sidecar.logLines().find(({ msg }) => String(msg).startsWith("the site makes the sessions"));
    expect(line).toMatchObject({ url: site.url });
    expect(await Bun.file(sidecar.folder.at("data/session-keys.json")).exists()).toBe(false);
    expect(await Bun.file(sidecar.folder.at("data/state.db")).exists()).toBe(false);
  });

  test("signs with the new secret once its file has changed", async () => {
    const client = sidecar.clientAt(baseUrl);
    const signaturesNow = async () => {
      await client.session(sol);
      return partsOf(site.requests.at(-1) ?? "").headers["webhook-signature"]?.split(" ").length;
    };
    expect(await signaturesNow()).toBe(1);
    await Bun.write(sidecar.folder.at("site-secret"), `${randomSecret()},${randomSecret()}`);
    expect(await eventually(signaturesNow, 2)).toBe(2);
  });
});

test("an authority of the site's own is trusted by NODE_EXTRA_CA_CERTS, and none if that is not set", async () => {
  using folder = temporaryFolder();
  const { caFile, certificateFile, keyFile } = await createTlsCertificates(folder.path);
  await using site = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: Bun.file(certificateFile), key: Bun.file(keyFile) },
    fetch: () => Response.json({ session: 1 }),
  });
  const settings = {
    SESSION_PROVIDER: "http",
    SESSION_URL: `https://127.0.0.1:${site.port}/`,
    SESSION_URL_SECRET: randomSecret(),
  };
  for (const [environment, status] of [
    [{ NODE_EXTRA_CA_CERTS: caFile }, 200],
    [{ NODE_TLS_REJECT_UNAUTHORIZED: "0" }, 503],
  ] as const) {
    await using sidecar = spawnSidecar({ ...settings, ...environment });
    const { baseUrl } = await sidecar.ready();
    expect((await sidecar.clientAt(baseUrl).session(sol)).status).toBe(status);
  }
});
