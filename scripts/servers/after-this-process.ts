import { chmodSync, constants, mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let home: string | null = null;

/**
 * A folder for what tests leave on disk, deleted when this process has ended. Accounts other than ours can pass
 * through it to folders of their own, and cannot list it.
 */
export function testHome(): string {
  home ??= openHome();
  return home;
}

/**
 * Runs a shell script once this process has ended, in whatever way: SIGKILL included. `args` are `$1` and up;
 * the script must bear being run when nothing is left to do.
 */
export function runAfterThisProcess(script: string, ...args: string[]): void {
  waitForOurEnd(testHome(), script, args);
}

/** We hold the pipe open for writing and never write; its readers wake when the last writer, us, is gone. */
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
 * The waiting shell is an orphan in a session of its own. A child would not do: when a test times out, Bun kills
 * every process that any test or hook of the file has spawned.
 */
function waitForOurEnd(dir: string, script: string, args: readonly string[]): void {
  const waiting = `exec 3<"$0"; ( read -r _ <&3; exec 3<&-; ${script} ) >/dev/null 2>&1 </dev/null &`;
  runOrThrow(["sh", "-c", waiting, join(dir, pipeName), ...args]);
}

function runOrThrow(argv: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([...argv], { detached: true });
  if (!success) throw new Error(`${argv[0]} failed: ${stderr.toString()}`);
}
