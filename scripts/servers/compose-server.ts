import { join } from "node:path";
import { runAfterThisProcess } from "./after-this-process.ts";
import { runCommand } from "./run-command.ts";
import { noteRemoved, noteRunning, type RunningServer } from "./running-servers.ts";

export interface ComposeService {
  readonly service: "test-postgres" | "test-mariadb" | "test-redis";
  /** The port inside the container. */
  readonly containerPort: number;
}

let projects = 0;
const down = ["down", "--volumes", "--timeout", "0"];

/** Starts one service of docker-compose.yml as a Compose project of its own, so that no two tests share it. */
export async function launchComposeService(service: ComposeService): Promise<RunningServer> {
  const server = new ComposeServer(service);
  noteRunning(server);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.remove();
    throw error;
  }
}

class ComposeServer implements RunningServer {
  readonly #service: ComposeService;
  readonly #compose: readonly string[];
  #port = 0;

  constructor(service: ComposeService) {
    this.#service = service;
    const file = join(import.meta.dir, "../../docker-compose.yml");
    const project = `ownid-test-${process.pid}-${++projects}`;
    this.#compose = ["docker", "compose", "-p", project, "-f", file, "--profile", "test"];
    runAfterThisProcess('exec "$@"', ...this.#compose, ...down);
  }

  /** Docker may publish another port after each `start`. */
  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    await this.#run("up", "--detach", "--wait", this.#service.service);
    const address = await this.#run("port", this.#service.service, String(this.#service.containerPort));
    this.#port = Number(address.trim().split(":").at(-1));
  }

  async stop(): Promise<void> {
    await this.#run("stop", this.#service.service);
  }

  async kill(): Promise<void> {
    await this.#run("kill", this.#service.service);
  }

  async freeze(): Promise<void> {
    await this.#run("pause", this.#service.service);
  }

  async thaw(): Promise<void> {
    await this.#run("unpause", this.#service.service);
  }

  async remove(): Promise<void> {
    await this.#run(...down);
    noteRemoved(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  #run(...args: string[]): Promise<string> {
    return runCommand([...this.#compose, ...args]);
  }
}
