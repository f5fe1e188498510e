import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { runProgram } from "../support/finished-process.ts";
import { empty, json, outcomeOf } from "../support/problems.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";
import { runOnTerminal } from "../support/terminal.ts";

setDefaultTimeout(60_000);

const root = join(import.meta.dir, "../..");
const sol = "sol@testmail.com";

/** A copy of what a build reads, to be changed at will. */
const checkout = temporaryFolder();
beforeAll(() => {
  for (const name of ["src", "scripts", "package.json", "bun.lock", "tsconfig.json"]) {
    cpSync(join(root, name), checkout.at(name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), checkout.at("node_modules"));
});
afterAll(() => checkout[Symbol.dispose]());

function spawnBuild() {
  const argv = [process.execPath, checkout.at("scripts/build.ts"), "--json"];
  return Bun.spawn(argv, { cwd: "/", stdout: "pipe", stderr: "pipe" });
}

async function build(): Promise<{ status: number; wasCurrent: unknown; stderr: string }> {
  const child = spawnBuild();
  const [text, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, wasCurrent: text === "" ? null : JSON.parse(text).wasCurrent, stderr };
}

const built = { status: 0, wasCurrent: false, stderr: "" };
const wasCurrent = { status: 0, wasCurrent: true, stderr: "" };

describe("bun run build", () => {
  test("builds once, and again when a source, a package or the program is another or gone", async () => {
    expect(await build()).toEqual(built);
    expect(readdirSync(checkout.at("dist")).toSorted()).toEqual(["built-from", "index.js", "index.js.jsc"]);
    expect(await build()).toEqual(wasCurrent);
    const changes = [
      () => appendFileSync(checkout.at("src/process/greeting.ts"), "\n"),
      () => appendFileSync(checkout.at("src/redis/lua/shared.lua"), "\n"),
      () => writeFileSync(checkout.at("src/another.ts"), "export const another = 1;\n"),
      () => appendFileSync(checkout.at("bun.lock"), "\n"),
      () => rmSync(checkout.at("dist/index.js")),
    ];
    for (const change of changes) {
      change();
      expect(await build()).toEqual(built);
      expect(await build()).toEqual(wasCurrent);
    }
    expect(readdirSync(checkout.path).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
  });

  test("leaves no build behind that could pass for one of a source that cannot be built", async () => {
    await build();
    const before = readFileSync(checkout.at("src/index.ts"), "utf8");
    writeFileSync(checkout.at("src/index.ts"), `${before}\nimport "./missing.ts";\n`);
    const failed = await build();
    expect([failed.status, failed.wasCurrent]).toEqual([1, null]);
    expect(failed.stderr).toContain("bun src/index.ts");
    expect((await build()).status).toBe(1);
    writeFileSync(checkout.at("src/index.ts"), before);
    expect((await build()).status).toBe(0);
    expect(readdirSync(checkout.path).filter((name) => name.startsWith("dist"))).toEqual(["dist"]);
  });

  test("leaves nothing half done when Ctrl-C interrupts it, at whatever moment", async () => {
    rmSync(checkout.at("dist"), { recursive: true, force: true });
    const startedAt = performance.now();
    await build();
    const buildMs = performance.now() - startedAt;
    for (const share of [0.2, 0.4, 0.6, 0.7, 0.8, 0.9]) {
      rmSync(checkout.at("dist"), { recursive: true, force: true });
      const child = spawnBuild();
      await Bun.sleep(share * buildMs);
      child.kill("SIGINT");
      await child.exited;
      const made = readdirSync(checkout.path, { recursive: true }).map(String);
      const ofBuild = made.filter((name) => name.startsWith("dist") && name !== "dist").toSorted();
      expect([[], ["dist/built-from", "dist/index.js", "dist/index.js.jsc"]]).toContainEqual(ofBuild);
    }
  });

  test("lets two that build at once end with a sidecar that starts", async () => {
    rmSync(checkout.at("dist"), { recursive: true, force: true });
    const both = await Promise.all([build(), build()]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(await build()).toEqual(wasCurrent);
    await using sidecar = spawnSidecar({}, checkout.at("dist/index.js"));
    await sidecar.ready();
  });
});

describe("bun run start", () => {
  const start = () => spawnSidecar({}, checkout.at("scripts/start.ts"));

  test("builds what has changed, and starts it", async () => {
    const greeting = checkout.at("src/process/greeting.ts");
    writeFileSync(greeting, readFileSync(greeting, "utf8").replace(" get ${demo", " get again ${demo"));
    await using sidecar = start();
    expect((await sidecar.logged("development mode")).next).toContain(" sign get again sol@testmail.com ");
    expect(sidecar.output.stderr).toBe("");
    expect(await build()).toEqual(wasCurrent);
  });

  test("starts the source where dist/ cannot be written, and says so", async () => {
    rmSync(checkout.at("dist"), { recursive: true, force: true });
    writeFileSync(checkout.at("dist"), "in the way");
    await using sidecar = start();
    const { baseUrl } = await sidecar.ready();
    expect((await sidecar.clientAt(baseUrl).get(sol)).status).toBe(204);
    expect(sidecar.output.stderr).toStartWith("dist/ cannot be built: EEXIST");
    const { screen } = await runOnTerminal([process.execPath, checkout.at("scripts/start.ts")], {
      environment: { PORT: "x" },
    });
    expect(screen).toContain("The source runs without it: bun src/index.ts");
    rmSync(checkout.at("dist"));
  });
});

describe("where dist/ cannot be written", () => {
  test("bun run bench says so before it starts anything", async () => {
    rmSync(checkout.at("dist"), { recursive: true, force: true });
    writeFileSync(checkout.at("dist"), "in the way");
    const argv = [process.execPath, checkout.at("scripts/bench/index.ts"), "--quick"];
    const { status, stdout, stderr } = await runProgram(argv, { environment: process.env });
    rmSync(checkout.at("dist"));
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toStartWith("dist/ cannot be built: EEXIST");
    expect(stderr).toEndWith("\nA measurement needs dist/.\n");
  });
});

describe("a built sidecar", () => {
  beforeAll(async () => void (await build()));
  const spawn = (environment: Readonly<Record<string, string>> = {}) =>
    spawnSidecar(environment, checkout.at("dist/index.js"));

  test("serves the five answers of a first try, and drains", async () => {
    await using sidecar = spawn({ DRAIN_SECONDS: "0" });
    const { baseUrl, opsUrl } = await sidecar.ready();
    const client = sidecar.clientAt(baseUrl);
    expect(outcomeOf(await client.get("nobody@testmail.com"))).toEqual(empty(404));
    expect(outcomeOf(await client.get(sol))).toEqual(empty(204));
    expect(outcomeOf(await client.set(sol, '{"devices":["é😀"]}'))).toEqual(empty(204));
    expect(outcomeOf(await client.get(sol))).toEqual(json(200, { ownIdData: '{"devices":["é😀"]}' }));
    expect(outcomeOf(await client.session(sol))).toEqual(json(200, { token: expect.any(String) }));
    expect((await fetch(`${opsUrl}/readyz`)).status).toBe(200);
    sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);
    expect(sidecar.output.stderr).toBe("");
  });

  test("reads NODE_ENV where it runs, not where it was built, and ends a wrong start with 78", async () => {
    await using sidecar = spawn({ NODE_ENV: "production", PORT: "http" });
    expect(await sidecar.ended()).toBe(78);
    for (const variable of ["PORT", "OWNID_SHARED_SECRET", "DATABASE_URL", "SESSION_KEYS_FILE"]) {
      expect(sidecar.output.stderr).toContain(`  - ${variable} `);
    }
    expect(readdirSync(sidecar.folder.path)).toEqual([]);
  });
});
