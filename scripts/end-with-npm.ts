import { readFileSync } from "node:fs";

const pollMs = 200;
/** Between npm and this process there are a shell and a `bun run`. */
const generationsMax = 4;
/** The name that npm gives its process after `npx bun@1.4.5 run start` or `npm start`. */
const npm = /^npm (?:exec bun\b|(?:run |run-script )?start\b)/;

/**
 * If npm started this command, sends this process SIGTERM as soon as npm is gone. npm does not pass a SIGTERM on: it
 * ends, and what it has started would keep running and keep its ports. Without /proc, only Ctrl-C reaches the
 * process.
 */
export function endWithNpm(): void {
  const starter = ancestors().find((pid) => npm.test(commandLineOf(pid)));
  if (starter === undefined) return;
  const timer = setInterval(() => {
    if (ancestors().includes(starter)) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, pollMs);
  timer.unref();
}

/** Returns the processes above this one, the parent first. */
function ancestors(): number[] {
  const found: number[] = [];
  let pid: number | null = process.pid;
  while (pid !== null && found.length < generationsMax) {
    pid = parentOf(pid);
    if (pid !== null) found.push(pid);
  }
  return found;
}

/**
 * Reads proc_pid_stat(5): the parent follows the name in parentheses, which may contain any character, and the state.
 */
function parentOf(pid: number): number | null {
  const stat = readProcess(pid, "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) || null;
}

function commandLineOf(pid: number): string {
  return readProcess(pid, "cmdline").replaceAll("\0", " ");
}

/** Returns an empty text if the process is gone or there is no /proc. */
function readProcess(pid: number, file: "stat" | "cmdline"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
