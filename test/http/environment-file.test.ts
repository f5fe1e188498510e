import { describe, expect, test } from "bun:test";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { runProgram } from "../support/finished-process.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";

const root = join(import.meta.dir, "../..");
const secret = Buffer.alloc(32, 7).toString("base64");

/** Runs a command of the project in a folder, with nothing in its environment but what is given. */
function run(cwd: string, script: string, environment: Record<string, string>, ...args: string[]) {
  return runProgram([process.execPath, join(root, script), ...args], { cwd, environment });
}

describe("a sidecar or a command in a folder with .env", () => {
  test("reads .env alone, as it is written, and says once what it read", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at(".env"), 'SESSION_AUDIENCE="a#b$HOME"\nOPS_PORT=0\nPORT=1\nLOG_LEVEL=info\n');
    writeFileSync(folder.at(".env.local"), "BASE_PATH=/local\n");
    // It ends by itself, since nobody may listen at this address.
    const { status, stdout } = await run(folder.path, "src/index.ts", { PORT: "0", HOST: "192.0.2.1" });
    expect(status).toBe(78);
    const lines = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    expect(lines[0]).toMatchObject({
      msg: "settings from .env",
      read: ["SESSION_AUDIENCE", "OPS_PORT", "LOG_LEVEL"],
      overriddenByEnvironment: ["PORT"],
    });
    expect(lines[1]).toMatchObject({ msg: ".env.local is not read; only .env is" });
    expect(stdout).not.toContain("a#b");
  });

  test("takes a secret with # and $ to the letter", async () => {
    const token = `p#ss$word${"$HOME".repeat(6)}`;
    const files = { ".env": `ADMIN_TOKEN="${token}"\n`, ".env.development": "ADMIN_TOKEN=another\n" };
    await using sidecar = spawnSidecar({}, undefined, files);
    const { opsUrl } = await sidecar.ready();
    const invalidate = (bearer: string) =>
      fetch(`${opsUrl}/admin/invalidate`, {
        method: "POST",
        headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
        body: '{"all":true}',
      });
    expect((await invalidate(token)).status).toBe(204);
    expect((await invalidate(token.slice(0, -1))).status).toBe(401);
  });

  test("is read by a command as by the sidecar", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at(".env"), `OWNID_SHARED_SECRET='${secret}'\nBASE_PATH=/a\n`);
    writeFileSync(folder.at(".env.development"), "BASE_PATH=/b\n");
    const signed = await run(folder.path, "scripts/sign.ts", {}, "get", "sol@testmail.com", "--json");
    expect(JSON.parse(signed.stdout)).toMatchObject({ url: "http://127.0.0.1:3300/a/getOwnIDDataByLoginId" });
  });

  test("does not read .env.production beside it in production", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at(".env"), "OPS_PORT=1\n");
    writeFileSync(folder.at(".env.production"), "OPS_PORT=2\nOPS_HOST=127.0.0.2\n");
    const { stdout } = await run(folder.path, "scripts/health.ts", { NODE_ENV: "production" }, "--json");
    expect(JSON.parse(stdout).url).toBe("http://127.0.0.1:1/livez");
  });

  test("ends with status 78 where a line can be read in two ways", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at(".env"), `ADMIN_TOKEN=${secret}#${secret}\n`);
    for (const [script, ...args] of [
      ["src/index.ts"],
      ["scripts/keys/index.ts", "list"],
      ["scripts/doctor/index.ts"],
    ]) {
      const { status, stderr } = await run(folder.path, script ?? "", {}, ...args);
      expect({ script, status }).toEqual({ script, status: 78 });
      expect(stderr).toContain("ADMIN_TOKEN: line 1 of .env");
      expect(stderr).not.toContain(secret);
    }
  });
});

test("Bun itself reads no such file where the project's bunfig.toml is", async () => {
  using folder = temporaryFolder();
  copyFileSync(join(root, "bunfig.toml"), folder.at("bunfig.toml"));
  writeFileSync(folder.at(".env"), "PORT=1\n");
  const shown = Bun.spawn([process.execPath, "-e", "console.log(process.env.PORT)"], {
    cwd: folder.path,
    env: {},
    stdout: "pipe",
  });
  expect(await shown.stdout.text()).toBe("undefined\n");
});
