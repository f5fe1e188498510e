import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually, isRejected } from "../../scripts/servers/waiting.ts";
import { failureOf, startEmulator } from "../support/emulator-process.ts";
import { runOnTerminal } from "../support/terminal.ts";

setDefaultTimeout(120_000);

const command = join(import.meta.dir, "../../scripts/emulator/index.ts");
const users = [
  { loginId: "ada@example.com", devices: ["phone", "laptop"] },
  { loginId: "bob@example.com", blocked: true },
];

function spawnExec(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return Bun.spawn([process.execPath, command, "exec", ...words], {
    cwd: temporaryFolder().path,
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function exec(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawnExec(words, environment);
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, status };
}

describe("bun run emulator exec", () => {
  test.concurrent("gives the command the addresses, and exits as it did", async () => {
    const script =
      'echo "$EMULATOR_CONTROL_URL $SIDECAR_BASE_URL $EMULATOR_ONE_TIME_CODE $ADMIN_TOKEN $DATABASE_URL"; exit 7';
    const { stdout, stderr, status } = await exec(["--", "sh", "-c", script], { DATABASE_URL: "" });
    expect({ stderr, status }).toEqual({ stderr: "", status: 7 });
    expect(stdout).toMatch(
      /^http:\/\/localhost:\d+\/control http:\/\/127\.0\.0\.1:\d+\/ownid 123456 [\w-]{36} sqlite:\S+\n$/,
    );
  });

  test.concurrent("passes SIGTERM on, and ends everything after the command", async () => {
    const child = spawnExec(["--", "sh", "-c", 'echo "$SIDECAR_BASE_URL"; exec cat /dev/zero >/dev/null']);
    const { value } = await child.stdout.getReader().read();
    const baseUrl = new TextDecoder().decode(value).trim();
    expect((await fetch(`${baseUrl}/.well-known/jwks.json`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(128 + 15);
    expect(await isRejected(fetch(baseUrl))).toBe(true);
  });

  test.concurrent("on a terminal, does not pass on a Ctrl-C, which the command gets from there", async () => {
    const script = "kill -INT $PPID; sleep 0.2; exit 3";
    const argv = [process.execPath, command, "exec", "--", "sh", "-c", script];
    expect((await runOnTerminal(argv, { cwd: temporaryFolder().path })).status).toBe(3);
  });

  test.concurrent("leaves neither a sidecar nor its database behind if it is killed", async () => {
    const child = spawnExec(["--", "sh", "-c", 'echo "$SIDECAR_BASE_URL $DATABASE_URL"; exec sleep 5']);
    const { value } = await child.stdout.getReader().read();
    const [baseUrl = "", databaseUrl = ""] = new TextDecoder().decode(value).trim().split(" ");
    const folder = dirname(databaseUrl.replace(/^sqlite:/, ""));
    expect(existsSync(folder)).toBe(true);
    child.kill("SIGKILL");
    await child.exited;
    expect(await eventually(() => isRejected(fetch(baseUrl)), true)).toBe(true);
    expect(await eventually(async () => existsSync(folder), false)).toBe(false);
  });

  test.concurrent("answers 127 for a command that does not exist, 126 for one that cannot run, and 2 for none", async () => {
    expect((await exec(["--", "no-such-command"])).status).toBe(127);
    expect(await exec(["--", "/"])).toMatchObject({
      status: 126,
      stderr: "This file may not be executed: /.\n",
    });
    expect((await exec([])).status).toBe(2);
  });

  test.concurrent("refuses to run in production", async () => {
    const { status, stderr } = await exec(["--", "true"], { NODE_ENV: "production" });
    expect(status).toBe(2);
    expect(stderr).toContain("NODE_ENV=production");
  });
});

test.concurrent("the example of the README runs as it is, with its seed", async () => {
  const readme = readFileSync(join(import.meta.dir, "../../scripts/emulator/README.md"), "utf8");
  const block = (language: string) =>
    new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(readme)?.[1] ?? "";
  using folder = temporaryFolder();
  writeFileSync(folder.at("users.json"), block("json"));
  writeFileSync(folder.at("example.js"), `${block("js")}\nconsole.log(answer.status);`);
  const { stdout, stderr, status } = await exec([
    ...["--seed", folder.at("users.json")],
    ...["--", process.execPath, folder.at("example.js")],
  ]);
  expect({ stdout, stderr, status }).toEqual({ stdout: "401\n", stderr: "", status: 0 });
});

describe("the users that a run begins with", () => {
  test.concurrent("are those of the seed, with the same passkeys in every run", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at("users.json"), JSON.stringify(users));
    const ids = async () => {
      await using emulator = await startEmulator({ options: ["--seed", "users.json"], cwd: folder.path });
      expect((await emulator.control.login("ada@example.com", "phone")).status).toBe(200);
      expect(failureOf(await emulator.control.login("bob@example.com", "phone"))).toEqual([
        423,
        "user_blocked",
      ]);
      const { devices } = (await emulator.control.enrol("ada@example.com", "tablet")).body;
      return devices?.map(({ id }) => id);
    };
    const [first, second] = await Promise.all([ids(), ids()]);
    expect(first).toHaveLength(3);
    expect(second).toEqual(first);
  });

  test.concurrent("are those that the last run left in the state file, which only this account can read", async () => {
    using folder = temporaryFolder();
    const options = ["--state", "state.json"];
    const first = await startEmulator({ options, cwd: folder.path });
    await first.control.register("ada@example.com", "phone");
    await first.control.enrol("ada@example.com", "laptop");
    await first.control.removeDevice("ada@example.com", "phone");
    expect(await first.end()).toBe(0);
    expect(statSync(folder.at("state.json")).mode & 0o777).toBe(0o600);
    await using second = await startEmulator({ options, cwd: folder.path });
    expect((await second.control.login("ada@example.com", "laptop")).status).toBe(200);
    expect(failureOf(await second.control.login("ada@example.com", "phone"))).toEqual([
      401,
      "passkey_invalid",
    ]);
    expect((await second.get("/control/state")).body).toEqual(
      JSON.parse(readFileSync(folder.at("state.json"), "utf8")),
    );
  });

  test.concurrent("are refused before the command runs if the state file cannot be written", async () => {
    const { status, stdout, stderr } = await exec(["--state", "/proc/state.json", "--", "echo", "ran"]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("--state: /proc/state.json cannot be written");
  });

  test.concurrent("are refused with the option and the place where the file is wrong", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at("users.json"), JSON.stringify([{ devices: [] }]));
    const { status, stderr } = await exec(["--seed", folder.at("users.json"), "--", "true"]);
    expect(status).toBe(2);
    expect(stderr).toContain("--seed: ");
    expect(stderr).toContain("/0/loginId");
  });
});
