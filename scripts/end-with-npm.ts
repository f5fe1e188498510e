import { existsSync, readFileSync } from "node:fs";

const pollMs = 200;

/**
 * Under npx or `npm run`, sends this process SIGTERM once npm is gone. npm does not pass a SIGTERM on: it ends, and
 * what it has started would run on, with its ports. Needs /proc, so that elsewhere only Ctrl-C reaches the process.
 */
export function endWithNpm(): void {
  if (process.env.npm_command === undefined || !existsSync("/proc/self/stat")) return;
  // Between npm and this process there is a shell or a `bun run`, whose own parent changes then.
  const ancestors = readAncestors();
  const timer = setInterval(() => {
    if (readAncestors() === ancestors) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, pollMs);
  timer.unref();
}

function readAncestors(): string {
  const parent = parentOf("self");
  return `${parent} ${parent === null ? null : parentOf(parent)}`;
}

/** proc_pid_stat(5): the parent follows the name in parentheses, which may hold any character, and the state. */
function parentOf(pid: string): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? null;
  } catch {
    return null;
  }
}
