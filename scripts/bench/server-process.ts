import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withEnvironment } from "../servers/run-for-output.ts";
import { pidFileName, serverFolder } from "../servers/server-folder.ts";
import { launchServer } from "../servers/server-process.ts";

export interface MeasuredProgram {
  /** The name of the program in error messages. */
  readonly name: string;
  readonly argv: readonly string[];
  /**
   * Its complete environment, except for `PORT`, on which it must listen at 127.0.0.1. It inherits nothing from this
   * process.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** Checks once whether it is ready for load, and rejects if it is not. */
  greet(port: number): Promise<void>;
}

/** A server in its own process, and what the operating system reports about it. `await using` kills it. */
export interface MeasuredProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Returns the CPU time so far, user and system, of all its threads. On Linux it is exact to 10 ms. */
  cpuMs(): number;
  /** Returns the resident memory. */
  residentBytes(): number;
}

/**
 * Starts a fresh process and resolves when it is ready. The process never outlives this one. Its output goes to a file
 * that is deleted with it.
 *
 * @throws {Error} the process ended or did not become ready; the message contains the end of its output, and nothing of
 * it remains
 */
export async function startMeasured(program: MeasuredProgram): Promise<MeasuredProcess> {
  const dir = serverFolder("measured", null);
  const fixed = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...program.environment };
  const server = await launchServer({
    name: program.name,
    dir,
    account: null,
    stopSignal: "SIGTERM",
    argv: (port) => withEnvironment({ ...fixed, PORT: String(port) }, program.argv),
    greet: program.greet,
  });
  const pid = Number(readFileSync(join(dir, pidFileName), "utf8"));
  return {
    port: server.port,
    pid,
    cpuMs: () => cpuMsOf(pid),
    residentBytes: () => Number(ps(pid, "rss")) * 1024,
    [Symbol.asyncDispose]: () => server.remove(),
  };
}

let ticksPerSecond: number | null = null;

function cpuMsOf(pid: number): number {
  if (process.platform !== "linux") return parseCpuTime(ps(pid, "time"));
  ticksPerSecond ??= Number(Bun.spawnSync(["getconf", "CLK_TCK"]).stdout.toString());
  // See proc(5): utime and stime are fields 14 and 15. The name in field 2 may contain blanks and brackets.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}

/** Parses a time as ps prints it, `[[days-]hours:]minutes:seconds`. Returns milliseconds. */
export function parseCpuTime(text: string): number {
  const [clock = "", days = "0"] = text.split("-").reverse();
  const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1000;
}

function ps(pid: number, column: "rss" | "time"): string {
  return Bun.spawnSync(["ps", "-o", `${column}=`, "-p", String(pid)])
    .stdout.toString()
    .trim();
}
