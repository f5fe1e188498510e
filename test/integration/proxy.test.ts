import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describeWithProgram } from "../support/describe-with.ts";
import { runProgram } from "../support/finished-process.ts";
import { type SidecarProcess, spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(30_000);

const root = join(import.meta.dir, "../..");

let proxied: string[];
let proxy: Bun.Server<undefined>;
let sidecar: SidecarProcess;
let addresses: { baseUrl: string; opsUrl: string };
beforeAll(async () => {
  proxied = [];
  proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      proxied.push(request.url);
      return new Response("refused by the proxy", { status: 403 });
    },
  });
  sidecar = spawnSidecar();
  addresses = await sidecar.ready();
});
afterAll(async () => {
  await proxy.stop(true);
  await sidecar[Symbol.asyncDispose]();
});

/** Runs a command in the sidecar's folder, on a machine where every request is to go through the proxy. */
async function run(
  argv: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ status: number | null; output: string }> {
  const url = proxy.url.href;
  const { status, stdout, stderr } = await runProgram([...argv], {
    cwd: sidecar.folder.path,
    environment: {
      PORT: new URL(addresses.baseUrl).port,
      OPS_PORT: new URL(addresses.opsUrl).port,
      HTTP_PROXY: url,
      http_proxy: url,
      HTTPS_PROXY: url,
      ALL_PROXY: url,
      ...environment,
    },
  });
  return { status, output: stdout + stderr };
}

const script = (path: string, ...args: string[]) => [process.execPath, join(root, "scripts", path), ...args];

describe("HTTP_PROXY without NO_PROXY", () => {
  test("does not keep `sign --send` from the sidecar", async () => {
    const sent = await run(script("sign.ts", "get", "sol@testmail.com", "--send"));
    expect(sent).toMatchObject({ status: 0, output: expect.stringMatching(/^HTTP 204 /) });
    expect(proxied).toEqual([]);
  });

  test("is overruled by the curl command that `sign` prints", async () => {
    const { output: curl } = await run(script("sign.ts", "get", "sol@testmail.com"));
    // The shell tells which arguments curl would get.
    const { output } = await run(["sh", "-c", `curl() { printf '%s\\n' "$@"; }; ${curl}`]);
    expect(output).toContain("\n--noproxy\n*\n");
  });

  describeWithProgram("curl", "and a real curl", () => {
    test("does not keep that command from the sidecar", async () => {
      const { output: curl } = await run(script("sign.ts", "get", "sol@testmail.com"));
      expect((await run(["sh", "-c", curl])).output).toContain("HTTP/1.1 204");
      expect(proxied).toEqual([]);
    });
  });

  test("does not make doctor take a sidecar for another program", async () => {
    const { output } = await run(script("doctor/index.ts", "--json"));
    const { items } = JSON.parse(output);
    const ports = items.filter(({ id }: { id: string }) => id === "ports.public" || id === "ports.ops");
    expect(
      ports.map(({ status, detail }: Record<string, string>) => [status, detail?.split(" on ")[0]]),
    ).toEqual([
      ["fine", "a sidecar is running"],
      ["fine", "a sidecar is running"],
    ]);
    expect(proxied).toEqual([]);
  });

  test("does not make the image's health check fail", async () => {
    const [, check = "[]"] =
      /^HEALTHCHECK [^[]*CMD (\[.*\])$/m.exec(readFileSync(join(root, "Dockerfile"), "utf8")) ?? [];
    const [bun, file = ""]: string[] = JSON.parse(check);
    expect(bun).toBe("bun");
    const argv = [process.execPath, join(root, file)];
    expect(await run(argv)).toEqual({ status: 0, output: `${addresses.opsUrl}/livez: 200\n` });
    expect(proxied).toEqual([]);
    const unanswered = { status: 1, output: "http://127.0.0.1:9/livez: nothing listens there\n" };
    expect(await run(argv, { OPS_PORT: "9" })).toEqual(unanswered);
    using silent = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => socket.terminate() },
    });
    expect(await run(argv, { OPS_PORT: String(silent.port) })).toEqual({
      status: 1,
      output: `http://127.0.0.1:${silent.port}/livez: the connection was closed without an answer\n`,
    });
    expect((await run(argv, { OPS_HOST: "0.0.0.0" })).status).toBe(0);
  });
});

test("no script calls a listener in any other way than directly", () => {
  const files = [...new Bun.Glob("scripts/**/*.ts").scanSync(root)];
  expect(files).toContain("scripts/client/fetch-direct.ts");
  const calling = files.filter((file) =>
    /(?<!async |\.)\bfetch\(/.test(readFileSync(join(root, file), "utf8")),
  );
  expect(calling).toEqual(["scripts/client/fetch-direct.ts"]);
});
