import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { eventually } from "../support/waiting.ts";

setDefaultTimeout(60_000);

const launch = join(import.meta.dir, "../../scripts/launch.ts");

/** `bun run start` below two shells: the outer one stands for npm, which dies of a SIGTERM and passes none on. */
async function startBelowNpm(folder: string, environment: Record<string, string>) {
  const [port, opsPort] = [await freePort(), await freePort()];
  const inner = `"$0" "$1" start; exit`;
  const child = Bun.spawn(["sh", "-c", `sh -c '${inner}' "$0" "$1"; exit`, process.execPath, launch], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      OPS_PORT: String(opsPort),
      DRAIN_SECONDS: "0",
      ...environment,
    },
    stdin: "ignore",
    stdout: Bun.file(join(folder, "log")),
    stderr: "ignore",
    detached: true,
  });
  const livez = () =>
    fetch(`http://127.0.0.1:${opsPort}/livez`)
      .then(({ ok }) => ok)
      .catch(() => false);
  expect(await eventually(livez, true, 30_000)).toBe(true);
  return { child, livez, end: () => process.kill(-child.pid, "SIGKILL") };
}

test.skipIf(!existsSync("/proc/self/stat"))(
  "a sidecar that npm started drains once npm is gone",
  async () => {
    using folder = temporaryFolder();
    const { child, livez } = await startBelowNpm(folder.path, { npm_command: "exec" });
    child.kill("SIGTERM");
    expect(await eventually(livez, false)).toBe(false);
    expect(await Bun.file(folder.at("log")).text()).toContain('"signal":"SIGTERM"');
  },
);

test("a sidecar that a shell started outlives that shell", async () => {
  using folder = temporaryFolder();
  const { child, livez, end } = await startBelowNpm(folder.path, {});
  child.kill("SIGTERM");
  await child.exited;
  // Longer than it would take it to notice.
  await Bun.sleep(600);
  expect(await livez()).toBe(true);
  end();
});
