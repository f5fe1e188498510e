import { join } from "node:path";
import { runAfterThisProcess } from "./after-this-process.ts";
import { runForOutput } from "./run-for-output.ts";
import { noteRemoved, noteRunning, type RunningServer } from "./running-servers.ts";
import { requirePrograms, type ServerKind, serverSupply } from "./server-binaries.ts";

interface ComposeService {
  readonly service: string;
  /** The port inside the container. */
  readonly containerPort: number;
}

const services = {
  postgres: { service: "test-postgres", containerPort: 5432 },
  mariadb: { service: "test-mariadb", containerPort: 3306 },
  redis: { service: "test-redis", containerPort: 6379 },
} as const satisfies Partial<Record<ServerKind, ComposeService>>;

let projects = 0;
const down = ["down", "--volumes", "--timeout", "0"];

/**
 * Starts the server as a service of docker-compose.yml if this machine has it only there. It gets a Compose project of
 * its own, so that no two tests share it.
 *
 * @returns `null` if the server's programs are on this machine
 * @throws {ServerUnavailable} the machine has none, or has only Docker and options were given
 */
export async function launchFromCompose(
  kind: keyof typeof services,
  options: object,
): Promise<RunningServer | null> {
  if (Object.keys(options).length > 0 || serverSupply(kind).from !== "compose") {
    requirePrograms(kind);
    return null;
  }
  const server = new ComposeServer(services[kind]);
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
    return runForOutput([...this.#compose, ...args]);
  }
}
