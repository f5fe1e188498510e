import { chmodSync, constants, mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let home: string | null = null;

/**
 * Returns the folder for what tests leave on disk. It is deleted when this process has ended. Other accounts can reach
 * their own folders in it, but cannot list it.
 */
export function testHome(): string {
  home ??= openHome();
  return home;
}

/**
 * Runs a shell script once this process has ended in any way, even by SIGKILL. `args` are `$1` and following. The
 * script must not fail if nothing is left to do.
 */
export function runAfterThisProcess(script: string, ...args: string[]): void {
  waitForOurEnd(testHome(), script, args);
}

/**
 * This process holds the pipe open for writing and never writes. Readers wake up when the last writer is gone, and
 * this process is the only one.
 */
const pipeName = "alive";

function openHome(): string {
  const dir = mkdtempSync(join(tmpdir(), "ownid-tests-"));
  chmodSync(dir, 0o711);
  const pipe = join(dir, pipeName);
  runOrThrow(["mkfifo", "-m", "600", pipe]);
  openSync(pipe, constants.O_RDWR);
  waitForOurEnd(dir, 'sleep 0.5; rm -rf "$1" || { sleep 2; rm -rf "$1"; }', [dir]);
  return dir;
}

/**
 * The waiting shell is an orphan in its own session. It cannot be a child, because Bun kills every process that the
 * tests and hooks of a file have spawned whenever a test times out.
 */
function waitForOurEnd(dir: string, script: string, args: readonly string[]): void {
  const waiting = `exec 3<"$0"; ( read -r _ <&3; exec 3<&-; ${script} ) >/dev/null 2>&1 </dev/null &`;
  runOrThrow(["sh", "-c", waiting, join(dir, pipeName), ...args]);
}

function runOrThrow(argv: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([...argv], { detached: true });
  if (!success) throw new Error(`${argv[0]} failed: ${stderr.toString()}`);
}
