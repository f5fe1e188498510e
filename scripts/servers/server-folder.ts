import { chownSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runAfterThisProcess, testHome } from "./after-this-process.ts";
import type { Account } from "./run-command.ts";

/** Within a server's folder: the process id it runs under, and no such file while it does not run. */
export const pidFileName = "process-id";

let folders = 0;

/**
 * A new folder for one server's data, owned by the account the server runs as. When this process has ended, in
 * whatever way, what its `pidFileName` names is killed and the folder deleted.
 */
export function serverFolder(kind: string, account: Account | null): string {
  if (folders === 0) runAfterThisProcess(killScript, testHome());
  const dir = join(testHome(), `${kind}-${++folders}`);
  mkdirSync(dir);
  giveTo(account, dir);
  return dir;
}

/** Makes a folder and the files in it the account's own. */
export function giveTo(account: Account | null, dir: string): void {
  if (account === null) return;
  for (const path of [dir, ...readdirSync(dir).map((name) => join(dir, name))]) {
    chownSync(path, account.uid, account.gid);
  }
}

/**
 * Suspends before it kills: a Postgres that sees its children die would start new ones. Twice, for a server that
 * was being started when we ended.
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
