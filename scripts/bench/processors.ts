import { readFileSync } from "node:fs";

/** Lists as `taskset` takes them. */
export interface Processors {
  readonly all: string;
  /** One for the load generator alone. */
  readonly generator: string;
  /** The others: for the server and all that it asks. */
  readonly servers: string;
}

/**
 * How this machine's processors are shared out where the load generator must not be in the server's way, and the
 * server not in its. `null` where the operating system cannot be told, or there is only one.
 */
export function shareOutProcessors(): Processors | null {
  if (process.platform !== "linux" || Bun.which("taskset") === null) return null;
  const [, all = ""] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  const numbers = processorsIn(all);
  const generator = numbers.at(-1);
  if (generator === undefined || numbers.length < 2) return null;
  return { all, generator: String(generator), servers: numbers.slice(0, -1).join(",") };
}

/** `0-2,5`: the processors 0, 1, 2 and 5. */
export function processorsIn(list: string): number[] {
  return [...list.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, offset) => Number(first) + offset),
  );
}

/** Has a process run on these only, with every thread that it has or will have. @throws {Error} it may not */
export function keepOn(processors: string, pid: number): void {
  const { success, stderr } = Bun.spawnSync([
    "taskset",
    "--all-tasks",
    "--cpu-list",
    "--pid",
    processors,
    String(pid),
  ]);
  if (!success) throw new Error(`taskset: ${stderr.toString().trim()}`);
}
