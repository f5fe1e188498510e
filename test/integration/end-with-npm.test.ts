import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/servers/free-port.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";

setDefaultTimeout(60_000);

const launch = join(import.meta.dir, "../../scripts/launch.ts");

/**
 * `bun run start` below two shells, as npm has it. The outer one is called `name`: like npm, it dies of a SIGTERM and
 * passes none on.
 */
async function startBelow(name: string, folder: string) {
  const [port, opsPort] = [await freePort(), await freePort()];
  const child = Bun.spawn(["bash", "-c", `exec -a "$NAME" sh -c 'sh -c "$INNER"; exit'`], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      NAME: name,
      INNER: '"$BUN" "$LAUNCH" start; exit',
      BUN: process.execPath,
      LAUNCH: launch,
      PORT: String(port),
      OPS_PORT: String(opsPort),
      DRAIN_SECONDS: "0",
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
    const { child, livez } = await startBelow("npm exec bun@1.4.5 run start", folder.path);
    child.kill("SIGTERM");
    expect(await eventually(livez, false)).toBe(false);
    expect(await Bun.file(folder.at("log")).text()).toContain('"signal":"SIGTERM"');
  },
);

test("a sidecar that something else started outlives it, as a script that starts it in the background", async () => {
  using folder = temporaryFolder();
  const { child, livez, end } = await startBelow("npm run deploy", folder.path);
  child.kill("SIGTERM");
  await child.exited;
  // Longer than it would take it to notice.
  await Bun.sleep(600);
  expect(await livez()).toBe(true);
  end();
});
