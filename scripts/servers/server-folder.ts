import { chownSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runAfterThisProcess, testHome } from "./after-this-process.ts";
import type { Account } from "./run-for-output.ts";

/** The file in a server's folder that contains its process id. It exists only while the server runs. */
export const pidFileName = "process-id";

let folders = 0;

/**
 * Creates a folder for the data of one server, owned by the account that the server runs as. When this process ends,
 * in whatever way, the process in `pidFileName` is killed and the folder deleted.
 */
export function serverFolder(kind: string, account: Account | null): string {
  if (folders === 0) runAfterThisProcess(killScript, testHome());
  const dir = join(testHome(), `${kind}-${++folders}`);
  mkdirSync(dir);
  giveTo(account, dir);
  return dir;
}

/** Gives a folder and its files to the account. */
export function giveTo(account: Account | null, dir: string): void {
  if (account === null) return;
  for (const path of [dir, ...readdirSync(dir).map((name) => join(dir, name))]) {
    chownSync(path, account.uid, account.gid);
  }
}

/**
 * Suspends before it kills, because a Postgres that sees its children die would start new ones. Runs twice, for a
 * server that was being started when this process ended.
 */
const killScript = `
  for pass in 1 2; do
    for file in "$1"/*/${pidFileName}; do
      [ -s "$file" ] || continue
      pid=$(cat "$file")
      kill -STOP "$pid"; pkill -KILL -P "$pid"; kill -KILL "$pid"
    done
    [ $pass = 2 ] || sleep 0.2
  done
`;
