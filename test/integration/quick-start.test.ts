import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";

setDefaultTimeout(60_000);

const command = join(import.meta.dir, "../../scripts/quick-start.ts");

/** The processes that work in this folder or below it. */
function processesIn(folder: string): string[] {
  return readdirSync("/proc").filter((id) => {
    try {
      return readlinkSync(`/proc/${id}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

test.skipIf(process.platform !== "linux").each(["SIGINT", "SIGTERM"] as const)(
  "a quick start that %s stops leaves no sidecar and no clone behind",
  async (signal) => {
    using folder = temporaryFolder();
    const child = Bun.spawn([process.execPath, command], {
      env: { ...process.env, TMPDIR: folder.path },
      stdout: "ignore",
      stderr: "ignore",
    });
    expect(await eventually(async () => processesIn(folder.path).length > 0, true, 30_000)).toBe(true);
    child.kill(signal);
    expect(await child.exited).toBe(1);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("ownid-"))).toEqual([]);
    expect(await eventually(async () => processesIn(folder.path).length, 0)).toBe(0);
  },
);
