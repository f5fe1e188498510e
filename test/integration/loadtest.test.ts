import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { asInstalled } from "../support/installed-runner.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(60_000);

const command = join(import.meta.dir, "../../scripts/load/index.ts");
const secret = Buffer.alloc(32, 7).toString("base64");

interface Options {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The command as its user runs it, with nothing of this process's environment. */
function spawnLoadtest(args: readonly string[], { cwd, environment = {} }: Options) {
  const child = Bun.spawn([process.execPath, command, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { stderr: "" };
  const collected = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) output.stderr += decoder.decode(chunk, { stream: true });
  })();

  /** Resolves once standard error has this. */
  async function told(text: string): Promise<void> {
    while (!output.stderr.includes(text)) {
      if (child.exitCode !== null) throw new Error(`ended without "${text}":\n${output.stderr}`);
      await Bun.sleep(5);
    }
  }

  async function ended() {
    const [stdout] = await Promise.all([new Response(child.stdout).text(), collected, child.exited]);
    const status = child.signalCode ?? child.exitCode;
    return {
      status,
      stdout,
      stderr: asInstalled(output.stderr),
      result: stdout.startsWith("{") ? JSON.parse(stdout) : null,
    };
  }

  return {
    told,
    ended,
    interrupt: () => child.kill("SIGINT"),
    hasEnded: () => child.exitCode !== null,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function loadtest(args: readonly string[], options: Options) {
  await using run = spawnLoadtest(args, options);
  // Awaited here, since what is returned unawaited would be ended first.
  return await run.ended();
}

/** A sidecar of its own with the demo user, and the load test in the same folder. */
async function startSite() {
  const sidecar = spawnSidecar({ LOG_LEVEL: "info" });
  const { baseUrl } = await sidecar.ready();
  return {
    sidecar,
    baseUrl,
    run: (...args: string[]) => loadtest(["--url", baseUrl, ...args], { cwd: sidecar.folder.path }),
    [Symbol.asyncDispose]: () => sidecar[Symbol.asyncDispose](),
  };
}

type Handle = (request: Request, number: number) => Response | Promise<Response>;

const found = () => Response.json({ ownIdData: "x" });

/** A server that answers the first request, which is the check before the load, and then as it is told. */
function startServer(handle: Handle) {
  const folder = temporaryFolder();
  const seen = { requests: 0, open: 0, openMost: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    async fetch(request) {
      seen.requests += 1;
      if (seen.requests === 1) return found();
      seen.open += 1;
      seen.openMost = Math.max(seen.openMost, seen.open);
      try {
        return await handle(request, seen.requests - 1);
      } finally {
        seen.open -= 1;
      }
    },
  });
  const options = { cwd: folder.path, environment: { OWNID_SHARED_SECRET: secret } };
  const target = ["--url", `http://127.0.0.1:${server.port}/ownid`];
  return {
    seen,
    server,
    spawn: (...args: string[]) => spawnLoadtest([...target, ...args], options),
    run: (...args: string[]) => loadtest([...target, ...args], options),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      folder[Symbol.dispose]();
    },
  };
}

const brief = ["--warm-up", "0s", "--duration", "1s", "--json"];

describe("a load test of a sidecar", () => {
  test("sends as many requests as the rate promises, all of which are answered, and writes a report", async () => {
    await using site = await startSite();
    const report = site.sidecar.folder.at("load.html");
    const mix = ["--mix", "get=8,set=1,session=1", "--rate", "200", "--value-bytes", "2000"];
    const limits = ["--errors", "0", "--p99", "30s", "--min-rate", "1"];
    const { status, stderr, stdout, result } = await site.run(
      ...[...mix, ...limits, "--duration", "2s", "--warm-up", "500ms", "--timeout", "30s", "--json"],
      ...["--report", report],
    );
    expect({ status, errors: result.errors }).toEqual({ status: 0, errors: [] });
    expect(result.all).toMatchObject({ requests: 400, count: 400, errors: 0 });
    const requests = Object.values<{ requests: number }>(result.endpoints).map(
      (endpoint) => endpoint.requests,
    );
    expect(requests.reduce((sum, count) => sum + count)).toBe(400);
    expect(requests.every((count) => count > 0)).toBe(true);
    expect(result.thresholds.map(({ holds }: { holds: boolean }) => holds)).toEqual([true, true, true]);
    const live = stderr.split("\n").filter((line) => line.startsWith("{"));
    expect(JSON.parse(live[0] ?? "")).toMatchObject({ step: expect.any(String), rate: expect.any(Number) });

    using database = new Database(site.sidecar.folder.at("data/ownid.db"), { readonly: true });
    const row = database.query<{ ownIdData: string }, []>("SELECT ownIdData FROM users").get();
    expect(row?.ownIdData.length).toBe(2000);
    const written = readFileSync(site.sidecar.folder.at("data/shared-secret"), "utf8").trim();
    for (const text of [stdout, stderr, readFileSync(report, "utf8")]) {
      expect(text).not.toContain(written);
      expect(text).not.toContain(row?.ownIdData.slice(-100) ?? "no value");
      expect(text).not.toContain("sol@testmail.com");
    }
    expect(readFileSync(report, "utf8")).toContain("all thresholds hold");
  });

  test("writes nothing unless the mix says so", async () => {
    await using site = await startSite();
    expect((await site.run(...brief, "--rate", "50")).status).toBe(0);
    using database = new Database(site.sidecar.folder.at("data/ownid.db"), { readonly: true });
    expect(database.query("SELECT * FROM users").all()).toEqual([
      { email: "sol@testmail.com", ownIdData: null },
    ]);
  });

  test("exits 1 and says by how much a threshold is missed", async () => {
    await using site = await startSite();
    const { status, stdout } = await site.run(
      "--warm-up",
      "0s",
      "--duration",
      "1s",
      "--p50",
      "1us",
      "--errors",
      "0",
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(/FAILS {2}p50 at most 1 µs .* too slow/);
    expect(stdout).toMatch(/holds {2}errors at most 0/);
  });

  test("ends before the load where the secret is another one, with status 78", async () => {
    await using site = await startSite();
    const options = { cwd: site.sidecar.folder.path, environment: { OWNID_SHARED_SECRET: secret } };
    const { status, stderr, stdout } = await loadtest(["--url", site.baseUrl], options);
    expect({ status, stdout }).toEqual({ status: 78, stdout: "" });
    expect(stderr).toContain("OWNID_SHARED_SECRET");
    expect(stderr).not.toContain(secret);
  });

  test("ends before the load where the user or the path is not known", async () => {
    await using site = await startSite();
    const unknown = await site.run("--login-id", "nobody@testmail.com");
    expect(unknown.stderr).toContain("--users FILE");
    expect(unknown.stderr).not.toContain("nobody");
    expect(unknown).toMatchObject({ status: 1, stdout: "" });
    const elsewhere = await loadtest(["--url", `${site.baseUrl}/deeper`], { cwd: site.sidecar.folder.path });
    expect(elsewhere).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("BASE_PATH") });
  });
});

describe("a load test", () => {
  test("lets one stall show in the percentiles, although hardly any request was under way then", async () => {
    await using server = startServer(async (_, number) => {
      if (number === 100) await Bun.sleep(500);
      return found();
    });
    const { status, result } = await server.run(
      ...[
        "--connections",
        "1",
        "--rate",
        "100",
        "--arrivals",
        "even",
        "--warm-up",
        "0s",
        "--duration",
        "4s",
        "--json",
      ],
    );
    expect(status).toBe(0);
    expect(result.all.count).toBe(400);
    // One in 400 was slow by itself, but 50 were due while it was.
    expect(result.all.p95Ms).toBeGreaterThan(200);
    expect(result.all.maxMs).toBeGreaterThan(490);
    expect(result.sends.waitedForConnection).toBeGreaterThan(20);
  });

  test("lays it on the connections, not on itself, when a request waits for the only one", async () => {
    // Due every 10 ms, and every second one is answered 15 ms later: the next finds no connection for 5 ms.
    await using server = startServer(async (_, number) => {
      if (number % 2 === 1) await Bun.sleep(15);
      return found();
    });
    const even = ["--rate", "100", "--arrivals", "even"];
    const { result } = await server.run(...brief, ...even, "--connections", "1", "--timeout", "30s");
    expect(result.all).toMatchObject({ requests: 100, count: 100 });
    expect(result.sends.waitedForConnection).toBeGreaterThanOrEqual(45);
  });

  test("never has more requests on their way than connections, and drops none", async () => {
    await using server = startServer(async () => {
      await Bun.sleep(20);
      return found();
    });
    const { result } = await server.run(...brief, "--rate", "300", "--connections", "3", "--timeout", "30s");
    expect(server.seen.openMost).toBe(3);
    expect(result.all).toMatchObject({ requests: 300, count: 300, errors: 0 });
    expect(server.seen.requests).toBe(301);
  });

  test("accounts for requests that are never answered and for those that were never sent", async () => {
    await using server = startServer(() => new Promise<Response>(() => {}));
    const { status, result } = await server.run(
      ...[...brief, "--rate", "50", "--connections", "2", "--timeout", "200ms", "--errors", "10%"],
    );
    const counts = Object.fromEntries(
      result.errors.map(({ error, requests }: { error: string; requests: number }) => [error, requests]),
    );
    expect(Object.keys(counts).toSorted()).toEqual(["not sent: no connection was free in time", "timed out"]);
    expect(result.all).toMatchObject({ requests: 50, errors: 50 });
    expect(result.sends).toMatchObject({ sent: counts["timed out"], notSent: 50 - counts["timed out"] });
    expect(result.all.p50Ms).toBeGreaterThanOrEqual(199);
    expect(result.rate.achieved).toBe(0);
    expect(status).toBe(1);
  });

  test("tells errors apart by status and code, and counts what closes its connection", async () => {
    const problem = JSON.stringify({ type: "x", code: "ERR_OVERLOADED", detail: "do not repeat this" });
    await using server = startServer((_, number) => {
      if (number % 4 === 0) return new Response(problem, { status: 429 });
      if (number % 4 === 1) return new Response("do not repeat this", { status: 200 });
      return new Response('{"ownIdData":"x"}', { headers: { connection: "close" } });
    });
    const { stdout, result } = await server.run(...brief, "--rate", "100");
    expect(result.errors).toEqual([
      { error: "200 with another body than expected", requests: 25, share: 0.25 },
      { error: "429 ERR_OVERLOADED", requests: 25, share: 0.25 },
    ]);
    expect(result.all).toMatchObject({ requests: 100, count: 50 });
    expect(stdout).not.toContain("repeat");
  });

  test("goes on when the server ends connections without an answer", async () => {
    let requests = 0;
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          requests += 1;
          if (requests % 2 === 0) socket.end();
          else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"ownIdData":"x"}');
        },
      },
    });
    using folder = temporaryFolder();
    const options = { cwd: folder.path, environment: { OWNID_SHARED_SECRET: secret } };
    const url = ["--url", `http://127.0.0.1:${server.port}`];
    const { result } = await loadtest([...url, ...brief, "--rate", "100"], options);
    expect(result.errors).toEqual([
      { error: "connection closed before the answer", requests: 50, share: 0.5 },
    ]);
    expect(result.all).toMatchObject({ requests: 100, count: 50 });
    expect(requests).toBe(101);
  });

  test("does not follow a redirect", async () => {
    await using elsewhere = startServer(found);
    await using server = startServer(() => Response.redirect(String(elsewhere.server.url), 307));
    const { result } = await server.run(...brief, "--rate", "20");
    expect(result.errors).toEqual([{ error: "307", requests: 20, share: 1 }]);
    expect(elsewhere.seen.requests).toBe(0);
  });

  test("goes nowhere through a proxy", async () => {
    await using proxy = startServer(found);
    await using server = startServer(found);
    using folder = temporaryFolder();
    const environment = { OWNID_SHARED_SECRET: secret, HTTP_PROXY: String(proxy.server.url) };
    const url = `http://127.0.0.1:${server.server.port}`;
    const { status } = await loadtest(["--url", url, ...brief], { cwd: folder.path, environment });
    expect([status, proxy.seen.requests, server.seen.requests]).toEqual([0, 0, 101]);
  });

  test("shows no more lines than a terminal has, so that each look replaces the one before", async () => {
    await using server = startServer(found);
    using folder = temporaryFolder();
    let shown = "";
    const decoder = new TextDecoder();
    const url = `http://127.0.0.1:${server.server.port}/ownid`;
    const child = Bun.spawn(
      [process.execPath, command, "--url", url, "--duration", "3s", "--warm-up", "0s"],
      {
        cwd: folder.path,
        env: { PATH: process.env.PATH ?? "", OWNID_SHARED_SECRET: secret },
        terminal: {
          rows: 8,
          data(_, bytes) {
            shown += decoder.decode(bytes, { stream: true });
          },
        },
      },
    );
    expect(await child.exited).toBe(0);
    const linesCleared = shown
      .split("\x1b[")
      .flatMap((code) => /^(\d+)A/.exec(code)?.[1] ?? [])
      .map(Number);
    expect(linesCleared.length).toBeGreaterThan(1);
    expect(Math.max(...linesCleared)).toBeLessThan(8);
  });

  test("ends at Ctrl-C with what has been measured so far", async () => {
    await using server = startServer(found);
    await using run = server.spawn(
      "--rate",
      "100",
      "--warm-up",
      "0s",
      "--duration",
      "10m",
      "--json",
      "--p99",
      "30s",
    );
    await run.told('"step":"load"');
    run.interrupt();
    const { status, result } = await run.ended();
    expect(status).toBe(1);
    expect(result).toMatchObject({ isInterrupted: true, holds: false, plannedSeconds: 600 });
    expect(result.seconds).toBeGreaterThan(0.5);
    expect(result.all.requests).toBeGreaterThan(10);
    expect(result.all.errors).toBe(0);
  });

  test("ends at the second Ctrl-C without waiting for answers", async () => {
    await using server = startServer(() => new Promise<Response>(() => {}));
    await using run = server.spawn(
      "--rate",
      "10",
      "--warm-up",
      "0s",
      "--duration",
      "10m",
      "--timeout",
      "30s",
    );
    await run.told('"step":"load"');
    run.interrupt();
    await run.told("Press Ctrl-C again to end at once.");
    while (!run.hasEnded()) {
      run.interrupt();
      await Bun.sleep(50);
    }
    expect(await run.ended()).toMatchObject({ status: 1, stdout: "" });
  });

  test("says what to do where nothing listens", async () => {
    await using server = startServer(found);
    await server.server.stop(true);
    const { status, stdout, stderr } = await server.run();
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("bun run start");
  });

  test.each([
    [["--url", "http://192.0.2.1:3300/ownid"], "--i-own-this-host 192.0.2.1"],
    [["--url", "http://192.0.2.1/", "--i-own-this-host", "192.0.2.2"], "the requests would go to 192.0.2.1"],
    [["--rate", "a lot"], "--rate takes"],
    [["--speed", "9"], "--speed"],
    [["now"], "options only"],
  ])("refuses %j with status 2", async (args, said) => {
    using folder = temporaryFolder();
    const environment = { OWNID_SHARED_SECRET: secret };
    const { status, stdout, stderr } = await loadtest(args, { cwd: folder.path, environment });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(said);
  });

  test("tells before the load that the report cannot be written", async () => {
    await using server = startServer(found);
    const { status, stdout, stderr } = await server.run("--report", "missing/load.html");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("--report");
    expect(server.seen.requests).toBe(1);
  });

  test("refuses a secret that is none with status 78", async () => {
    using folder = temporaryFolder();
    const environment = { OWNID_SHARED_SECRET: "short" };
    const { status, stderr } = await loadtest([], { cwd: folder.path, environment });
    expect({ status, stderr }).toMatchObject({
      status: 78,
      stderr: expect.stringContaining("OWNID_SHARED_SECRET"),
    });
  });

  test("takes the secret from a file", async () => {
    await using server = startServer(found);
    using folder = temporaryFolder();
    await Bun.write(folder.at("secret"), secret);
    const environment = { OWNID_SHARED_SECRET_FILE: folder.at("secret") };
    const url = `http://127.0.0.1:${server.server.port}`;
    const { status } = await loadtest(["--url", url, ...brief], { cwd: folder.path, environment });
    expect(status).toBe(0);
    expect(existsSync(folder.at("data"))).toBe(false);
  });
});
