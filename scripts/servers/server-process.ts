import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../src/error-code.ts";
import { freePort } from "./free-port.ts";
import { type Account, runForOutput } from "./run-for-output.ts";
import { noteRemoved, noteRunning, type RunningServer } from "./running-servers.ts";
import { pidFileName } from "./server-folder.ts";

export interface ServerProgram {
  /** The name of the program in error messages. */
  readonly name: string;
  /** A folder of its own, which is deleted with the server. */
  readonly dir: string;
  readonly account: Account | null;
  readonly stopSignal: "SIGINT" | "SIGTERM";
  argv(port: number): readonly string[];
  /** Makes one attempt to get an answer. Rejects while the server is not ready. */
  greet(port: number): Promise<void>;
}

/**
 * Starts a program on a free loopback port and resolves once it answers. It never outlives this process.
 *
 * @throws {Error} it ends or does not answer; the error contains the end of its log, and nothing of it is left
 */
export async function launchServer(program: ServerProgram): Promise<RunningServer> {
  const server = new ServerProcess(program);
  noteRunning(server);
  try {
    await server.startOnFreePort();
    return server;
  } catch (error) {
    await server.remove();
    throw error;
  }
}

/**
 * Leaves a shell behind that is the server's parent: it reaps the server when it ends, and removes its pid file. Our
 * pipe stays open until the server has written that file, so it exists when the launch is over.
 */
const launchScript = `
  (
    sh -c 'echo $$ >${pidFileName} && exec "$@" >>log 2>&1 </dev/null' sh "$@" &
    exec >/dev/null 2>&1
    wait $!
    rm -f ${pidFileName}
  ) &
`;

const startSecondsMax = 25;
const stopSecondsMax = 20;

/**
 * The server is not a child of this process, because Bun kills what tests and hooks have spawned whenever a test
 * times out.
 */
class ServerProcess implements RunningServer {
  readonly #program: ServerProgram;
  #port = 0;

  constructor(program: ServerProgram) {
    this.#program = program;
  }

  get port(): number {
    return this.#port;
  }

  async startOnFreePort(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.#port = await freePort();
      try {
        return await this.start();
      } catch (error) {
        if (attempt === 5 || !/address already in use/i.test(String(error))) throw error;
      }
    }
  }

  async start(): Promise<void> {
    const { name, dir, account } = this.#program;
    if (this.#pid() !== null) throw new Error(`${name} runs already`);
    const argv = ["sh", "-c", launchScript, "sh", ...this.#program.argv(this.#port)];
    await runForOutput(argv, { cwd: dir, account, detached: true });
    await this.#untilReady();
  }

  async stop(): Promise<void> {
    const pid = this.#pid();
    if (pid === null) return;
    await this.thaw();
    signal(pid, this.#program.stopSignal);
    await this.#untilEnded();
  }

  async kill(): Promise<void> {
    // Suspended first, because a Postgres that sees its children die would start new ones.
    const family = this.#signalFamily("SIGSTOP");
    for (const pid of family) signal(pid, "SIGKILL");
    await this.#untilEnded();
    while (livingOf(family).length > 0) await Bun.sleep(2);
  }

  async freeze(): Promise<void> {
    this.#signalFamily("SIGSTOP");
  }

  async thaw(): Promise<void> {
    this.#signalFamily("SIGCONT");
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#program.dir, { recursive: true, force: true });
    noteRemoved(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + startSecondsMax * 1000;
    for (;;) {
      try {
        return await this.#program.greet(this.#port);
      } catch (cause) {
        if (this.#pid() === null) throw this.#failure("ended before it was ready", cause);
        if (performance.now() > deadline) throw this.#failure(`not ready after ${startSecondsMax} s`, cause);
        await Bun.sleep(15);
      }
    }
  }

  async #untilEnded(): Promise<void> {
    const deadline = performance.now() + stopSecondsMax * 1000;
    while (this.#pid() !== null) {
      if (performance.now() > deadline) throw this.#failure(`did not end within ${stopSecondsMax} s`);
      await Bun.sleep(2);
    }
  }

  /** Returns `null` while the server does not run. */
  #pid(): number | null {
    try {
      return Number(readFileSync(join(this.#program.dir, pidFileName), "utf8")) || null;
    } catch {
      // The file was removed because the server has just ended.
      return null;
    }
  }

  /**
   * The parent is signalled first: once it is suspended, it cannot add children. Returns the ids of all processes
   * that were signalled.
   */
  #signalFamily(name: "SIGSTOP" | "SIGCONT"): number[] {
    const parent = this.#pid();
    if (parent === null) return [];
    signal(parent, name);
    const listing = Bun.spawnSync(["pgrep", "-P", String(parent)]).stdout.toString();
    const children = listing.split("\n").filter(Boolean).map(Number);
    for (const pid of children) signal(pid, name);
    return [parent, ...children];
  }

  #failure(what: string, cause?: unknown): Error {
    const path = join(this.#program.dir, "log");
    const log = existsSync(path) ? readFileSync(path, "utf8") : "";
    const tail = log.trimEnd().split("\n").slice(-15).join("\n");
    return new Error(`${this.#program.name} ${what}; the end of its log:\n${tail}`, { cause });
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** Returns the processes that still run. A zombie holds no resources, and in a container it may never be reaped. */
function livingOf(pids: readonly number[]): string[] {
  if (pids.length === 0) return [];
  const listing = Bun.spawnSync(["ps", "-o", "stat=", "-p", pids.join(",")]).stdout.toString();
  return listing.split("\n").filter((state) => state !== "" && !state.startsWith("Z"));
}
