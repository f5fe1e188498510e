import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { createTickingClock } from "../../scripts/client/ticking-clock.ts";
import { type PostgresServer, startPostgres } from "../../scripts/servers/postgres-server.ts";
import { type RedisServer, startRedis } from "../../scripts/servers/redis-server.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { endpointsSecret, type Fault, startEndpoints } from "../support/faulty-endpoints.ts";
import { asInstalled } from "../support/installed-runner.ts";
import { faultsOfMarkup } from "../support/markup.ts";
import { readinessOf } from "../support/readiness.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";
import { runOnTerminal } from "../support/terminal.ts";
import { openTestDatabase } from "../support/test-database.ts";

setDefaultTimeout(60_000);

const command = join(import.meta.dir, "../../scripts/conformance/index.ts");
const sol = "sol@testmail.com";
const eve = "eve@testmail.com";
const kept = 'what the user had: {"devices":["secret"]}';
const secret = endpointsSecret.toString("base64");

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

interface ReportedCase {
  readonly id: string;
  readonly outcome: "pass" | "fail" | "warn" | "note" | "skip";
}

function spawnRun(args: readonly string[], environment: Readonly<Record<string, string>>, cwd = folder.path) {
  const child = Bun.spawn([process.execPath, command, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    interrupt: () => child.kill("SIGINT"),
    async ended() {
      const [stdout, stderr, status] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited,
      ]);
      return { status, stdout: asInstalled(stdout), stderr: asInstalled(stderr) };
    },
  };
}

interface Judgement {
  readonly baseUrl: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs all cases and returns the ids by outcome; what passed is only counted. */
async function judge({ baseUrl, args = [], environment = { OWNID_SHARED_SECRET: secret }, cwd }: Judgement) {
  const { status, stdout, stderr } = await spawnRun([baseUrl, "--json", ...args], environment, cwd).ended();
  if (!stdout.startsWith("{")) throw new Error(`no report: ${stderr}`);
  const { cases }: { readonly cases: readonly ReportedCase[] } = JSON.parse(stdout);
  const idsOf = (outcome: ReportedCase["outcome"]) =>
    cases.filter((one) => one.outcome === outcome).map(({ id }) => id);
  const [fail, warn, note, skip] = [idsOf("fail"), idsOf("warn"), idsOf("note"), idsOf("skip")];
  return { status, fail, warn, note, skip, passed: idsOf("pass").length };
}

/** A sidecar whose test user has data, and how it is judged. */
async function judgeSidecar(environment: Readonly<Record<string, string>>, args: readonly string[] = []) {
  await using sidecar = spawnSidecar({ ...environment, DRAIN_SECONDS: "0" });
  const { baseUrl, opsUrl } = await sidecar.ready();
  if ("REDIS_URL" in environment) {
    // Only then are lookups answered from Redis.
    expect(await eventually(async () => (await readinessOf(opsUrl)).filling, true)).toBe(true);
  }
  const client =
    "OWNID_SHARED_SECRET" in environment
      ? createSignedClient({ baseUrl, sharedSecret: endpointsSecret, now: createTickingClock() })
      : sidecar.clientAt(baseUrl);
  expect((await client.set(sol, kept)).status).toBe(204);
  // Where no secret is set, the command finds the one that the sidecar has generated in its folder.
  const judged = await judge({ baseUrl, args, environment, cwd: sidecar.folder.path });
  expect(JSON.parse((await client.get(sol)).body)).toEqual({ ownIdData: kept });
  return judged;
}

describe("this sidecar over SQLite", () => {
  test("conforms without a warning, and the user has the old data back", async () => {
    const { passed, ...judged } = await judgeSidecar({});
    const skip = ["signed-accepts-second-secret", "future-blocked-user"];
    expect(judged).toEqual({ status: 0, fail: [], warn: [], note: [], skip });
    expect(passed).toBeGreaterThan(70);
  });

  test.each([
    [
      "REQUIRE_SESSION_TYPE",
      "true",
      { warn: [], note: ["basic-session-without-type", "future-session-type-json"] },
    ],
    [
      "REPLAY_PROTECTION",
      "off",
      {
        warn: [
          "safe-replayed-set",
          "safe-replayed-session",
          "safe-get-as-session",
          "safe-session-as-get",
          "safe-replayed-at-once",
        ],
        note: [],
      },
    ],
    [
      "COMPAT_ERROR_CODE_404",
      "true",
      {
        warn: [],
        note: ["basic-get-unknown-user", "basic-set-unknown-user", "basic-session-unknown-user"],
      },
    ],
  ])("conforms with %s=%s, and what that changes is told", async (name, value, expected) => {
    expect(await judgeSidecar({ [name]: value })).toMatchObject({ status: 0, fail: [], ...expected });
  });
});

describeWithPrivate("postgres", "this sidecar over Postgres", () => {
  describeWithPrivate("redis", "with Redis", () => {
    let postgres: PostgresServer;
    let redis: RedisServer;
    beforeAll(async () => {
      [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
      await using site = openTestDatabase({ kind: "postgres", url: postgres.url() });
      await site.run('CREATE TABLE users (email text NOT NULL UNIQUE, "ownIdData" text, blocked boolean)');
      await site.run(`INSERT INTO users VALUES ('${sol}', NULL, false), ('${eve}', NULL, true)`);
    });
    afterAll(() => Promise.all([postgres.remove(), redis.remove()]));

    test("conforms in every case, with a second secret and a blocked user, too", async () => {
      const environment = {
        OWNID_SHARED_SECRET: `${secret},${Buffer.alloc(32, 7).toString("base64")}`,
        USERS_BLOCKED_COLUMN: "blocked",
        DATABASE_URL: postgres.url(),
        REDIS_URL: redis.url(),
        COHERENCE_STATEMENT_MS: "150",
        COHERENCE_GRACE_MS: "1400",
      };
      const { passed, ...judged } = await judgeSidecar(environment, ["--blocked-user", eve]);
      expect(judged).toEqual({ status: 0, fail: [], warn: [], note: [], skip: [] });
      expect(passed).toBeGreaterThan(70);
    });
  });
});

const forgedSignatures = [
  ...["no-signature", "no-timestamp", "empty-signature", "other-secret", "empty-secret", "altered-body"],
  ...["altered-timestamp", "old", "day-old", "future", "seconds", "truncated", "set", "session"],
].map((name) => `signed-refuses-${name}`);

describe("endpoints of a team's own", () => {
  test.each<[readonly Fault[], string | null, readonly string[]]>([
    [[], null, []],
    [["checks no signature"], null, forgedSignatures],
    [
      ["accepts any timestamp"],
      null,
      ["old", "day-old", "future", "seconds"].map((name) => `signed-refuses-${name}`),
    ],
    [
      ["answers 200 for an unknown user"],
      null,
      ["basic-get-unknown-user", "basic-set-unknown-user", "basic-session-unknown-user"],
    ],
    [["crashes on a user without data"], null, ["basic-get-user"]],
    [["crashes on a user without data"], kept, ["basic-get-without-data"]],
    [["drops the connection on a user without data"], null, ["basic-get-user"]],
    [["answers null for a user without data"], null, ["basic-get-user", "basic-get-without-data"]],
    [
      ["caches lookups for a minute"],
      null,
      ["basic-get-after-set", "fresh-get-after-set", "fresh-gets-at-once", "fresh-register"],
    ],
    [["fills a cache with what it read before a set"], null, ["fresh-register"]],
    [["trims data"], null, ["basic-verbatim"]],
    [["makes unknown users"], null, ["basic-set-unknown-user"]],
  ])(
    "with the faults %j over the data %j fail the cases of these faults and no other",
    async (faults, data, expected) => {
      await using endpoints = startEndpoints({ faults, users: { [sol]: data } });
      const { status, fail } = await judge(endpoints);
      expect({ status, fail }).toEqual({ status: expected.length === 0 ? 0 : 1, fail: [...expected] });
      expect(endpoints.read(sol) || null).toBe(data);
    },
  );

  test("with every fault of OwnID's sample fail for each of them", async () => {
    const faults: Fault[] = [
      "checks no signature",
      "accepts any timestamp",
      "answers an error code for an unknown user",
      "crashes on a user without data",
    ];
    await using endpoints = startEndpoints({ faults });
    const { status, fail, note } = await judge(endpoints);
    expect(status).toBe(1);
    for (const id of ["basic-get-user", "signed-refuses-no-signature", "signed-refuses-old"])
      expect(fail).toContain(id);
    expect(note).toContain("basic-get-unknown-user");
  });
});

describe("a run", () => {
  const run = (
    args: readonly string[],
    environment: Readonly<Record<string, string>> = { OWNID_SHARED_SECRET: secret },
  ) => spawnRun(args, environment).ended();

  test("writes JSON, JUnit's XML and a page, none of which has a secret, a token or the user's data", async () => {
    await using endpoints = startEndpoints({ faults: ["trims data"], users: { [sol]: kept } });
    const [page, junit] = [folder.at("report.html"), folder.at("junit.xml")];
    const { status, stdout } = await run([endpoints.baseUrl, "--json", "--report", page, "--junit", junit]);
    expect(status).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      target: endpoints.baseUrl,
      user: sol,
      conforms: false,
      stopped: null,
      counts: { fail: 1 },
    });
    const [html, xml] = [readFileSync(page, "utf8"), readFileSync(junit, "utf8")];
    expect([...faultsOfMarkup(html), ...faultsOfMarkup(xml)]).toEqual([]);
    expect(html).toContain("Does not conform: 1 of 44 musts fails.");
    expect(html.match(/<script|<link|src=/g)).toBeNull();
    expect(xml.match(/<testcase /g)).toHaveLength(report.cases.length);
    expect(xml).toMatch(/<testcase name="basic-verbatim"[^>]*>\s*<failure message="[^"]+" type="must">/);
    expect(xml).toContain(`tests="${report.cases.length}" failures="1"`);
    for (const text of [stdout, html, xml]) {
      for (const hidden of [secret, "token of", kept, '\\"devices\\":[\\"secret', "&quot;devices&quot;"]) {
        expect(text).not.toContain(hidden);
      }
    }
  });

  test("tells of each case what was sent and came back, with a curl command of it", async () => {
    await using endpoints = startEndpoints({ faults: ["answers 200 for an unknown user"] });
    const { stdout } = await run([endpoints.baseUrl, "--json", "--profile", "basic"]);
    const { cases } = JSON.parse(stdout);
    const found = cases.find((one: ReportedCase) => one.id === "basic-get-unknown-user");
    expect(found).toMatchObject({
      level: "must",
      outcome: "fail",
      contract: expect.any(String),
      hint: expect.any(String),
    });
    expect(found.exchanges).toEqual([
      expect.objectContaining({ method: "POST", status: 200, responseBody: "{}", isDecisive: true }),
    ]);
    expect(found.exchanges[0].curl).toStartWith("curl -si --noproxy '*' http://127.0.0.1:");
  });

  test("fits a terminal of 80 columns, and ends with the verdict", async () => {
    await using endpoints = startEndpoints({ faults: ["caches lookups for a minute"] });
    const { output, status } = await runOnTerminal([process.execPath, command, endpoints.baseUrl], {
      cwd: folder.path,
      environment: { OWNID_SHARED_SECRET: secret },
    });
    expect(status).toBe(1);
    const report = output.slice(output.lastIndexOf("Conformance of"));
    const isTooWide = (line: string) => Bun.stringWidth(line) > 80 && !line.includes("--replay");
    expect(report.split(/\r?\n/).filter(isTooWide)).toEqual([]);
    expect(report).toMatch(/Does not conform: 4 of \d+ musts fail\.\r?\n76 cases in [^\n]+\n$/);
  });

  test("of one case sends that case alone again and shows its requests", async () => {
    await using endpoints = startEndpoints();
    const { status, stdout } = await run([endpoints.baseUrl, "--replay", "signed-refuses-old"]);
    expect(status).toBe(0);
    expect(stdout).toContain("pass  signed-refuses-old");
    expect(stdout).toMatch(/curl -si [\s\S]+ownid-timestamp[\s\S]+HTTP 401/);
    // The first lookup, and the one of the case.
    expect(endpoints.seen.requests).toBe(2);
  });

  test("that is interrupted gives the user the old data back", async () => {
    await using endpoints = startEndpoints({ users: { [sol]: kept }, delayMs: 20 });
    const interrupted = spawnRun([endpoints.baseUrl, "--json"], { OWNID_SHARED_SECRET: secret });
    while (endpoints.read(sol) === kept) await Bun.sleep(5);
    interrupted.interrupt();
    const { status, stdout } = await interrupted.ended();
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      conforms: false,
      stopped: "The run was interrupted.",
      notRestored: null,
    });
    expect(endpoints.read(sol)).toBe(kept);
  });

  test("writes nothing if the user's data are those of another run, which it could not restore", async () => {
    const data = JSON.stringify({ conformance: crypto.randomUUID() });
    await using endpoints = startEndpoints({ users: { [sol]: data } });
    const { status, stderr } = await run([endpoints.baseUrl]);
    expect({ status, data: endpoints.read(sol) }).toEqual({ status: 2, data });
    expect(stderr).toContain(`${sol} has data of another conformance run.`);
    expect(stderr).toContain(`bun run sign set ${sol} --url ${endpoints.baseUrl} --send --data ''`);
  });

  test("gives the old data back to a user of a server that stores data and then fails", async () => {
    await using endpoints = startEndpoints({
      faults: ["stores data and then fails"],
      users: { [sol]: kept },
    });
    const { status } = await run([endpoints.baseUrl, "--profile", "basic"], { OWNID_SHARED_SECRET: secret });
    expect({ status, data: endpoints.read(sol) }).toEqual({ status: 1, data: kept });
  });

  test("gives up on an answer that would fill the memory", async () => {
    await using endless = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(65_536)) })),
    });
    const { status, stderr } = await run([endless.url.href]);
    expect(status).toBe(1);
    expect(stderr).toContain("answered with more than 1 MiB");
  });

  test("whose server breaks down leaves the user's data in a private file", async () => {
    await using endpoints = startEndpoints({ users: { [sol]: kept }, delayMs: 20 });
    const running = spawnRun([endpoints.baseUrl], { OWNID_SHARED_SECRET: secret });
    while (endpoints.read(sol) === kept) await Bun.sleep(5);
    await endpoints.breakDown();
    const { status, stdout, stderr } = await running.ended();
    expect(status).toBe(1);
    expect(stdout).toContain("3 requests in a row got no answer.");
    const [file = ""] = /\.\/data\/conformance-user-data-\d+/.exec(stderr) ?? [];
    expect(stderr).toContain(`bun run sign set ${sol} --url ${endpoints.baseUrl} --send < ${file}`);
    expect(readFileSync(folder.at(file), "utf8")).toBe(kept);
    expect(statSync(folder.at(file)).mode & 0o777).toBe(0o600);
  });

  test.each([
    [["http://192.0.2.1/ownid"], 2, "--i-own-this-host 192.0.2.1"],
    [["http://192.0.2.1/ownid", "--i-own-this-host", "192.0.2.2"], 2, "would go to 192.0.2.1"],
    [["ftp://127.0.0.1/"], 2, "The base URL takes"],
    [[], 2, "Name one base URL"],
    [["http://127.0.0.1:1/", "--user="], 2, "--user: loginId"],
    [["http://127.0.0.1:1/", "--profile", "basics"], 2, "no profile basics"],
    [["http://127.0.0.1:1/", "--replay", "basic-get-usr"], 2, "The most similar one is basic-get-user."],
    [["http://127.0.0.1:1/", "--report", "missing/report.html"], 2, "--report"],
    [["http://127.0.0.1:1/"], 1, "Nothing listens at http://127.0.0.1:1"],
  ])("with %j ends with status %i", async (args, status, said) => {
    const ended = await run(args);
    expect(ended).toMatchObject({ status, stdout: "" });
    expect(ended.stderr).toContain(said);
  });

  test.each<[string, readonly Fault[], readonly string[], Readonly<Record<string, string>>, number, string]>([
    [
      "another secret",
      [],
      [],
      { OWNID_SHARED_SECRET: Buffer.alloc(32, 7).toString("base64") },
      78,
      "vectors.json",
    ],
    [
      "a user who is not known",
      [],
      ["--user", "nobody@testmail.com"],
      { OWNID_SHARED_SECRET: secret },
      2,
      "--user",
    ],
    ["a redirect", ["redirects"], [], { OWNID_SHARED_SECRET: secret }, 2, "redirects to http://127.0.0.1:1/"],
  ])("ends before the first case where it meets %s", async (_, faults, args, environment, status, said) => {
    await using endpoints = startEndpoints({ faults });
    const ended = await run([endpoints.baseUrl, ...args], environment);
    expect(ended).toMatchObject({ status, stdout: "" });
    expect(ended.stderr).toContain(said);
    expect(endpoints.seen.requests).toBe(1);
  });
});
