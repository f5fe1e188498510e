import { codeOf } from "../../../src/error-code.ts";
import { UsageWrong } from "../../command.ts";

export interface EmulatorListener {
  readonly port: number;
  /** Sets the handler. Until then, every request gets 503. */
  serve(handle: Handle): void;
  stop(): Promise<void>;
}

type Handle = (request: Request) => Response | Promise<Response>;

const freePortAttempts = 5;

/**
 * Listens on the loopback interface only. If the machine has both loopback addresses, it listens on both, because
 * browsers may use either of them for `localhost`. Port 0 takes a free port.
 *
 * @throws {UsageWrong} the port is taken
 */
export async function listenOnLoopback(port: number): Promise<EmulatorListener> {
  let handle: Handle = () => new Response(null, { status: 503 });
  const fetch: Handle = (request) => handle(request);
  const servers = await openServers(port, fetch);
  return {
    port: servers[0].port ?? port,
    serve(next) {
      handle = next;
    },
    stop: async () => void (await Promise.all(servers.map((server) => server.stop(true)))),
  };
}

type Servers = readonly [first: Bun.Server<undefined>, ...others: Bun.Server<undefined>[]];

/** Retries a free port, because it may be taken on the other address. */
async function openServers(port: number, fetch: Handle): Promise<Servers> {
  for (let attempt = 1; ; attempt += 1) {
    const first = open("127.0.0.1", port, fetch);
    try {
      return [first, ...openIfThere("::1", first.port ?? port, fetch)];
    } catch (error) {
      await first.stop(true);
      if (port !== 0 || attempt === freePortAttempts) throw error;
    }
  }
}

/** Returns no server if the machine does not have this address. */
function openIfThere(hostname: string, port: number, fetch: Handle): Bun.Server<undefined>[] {
  try {
    return [open(hostname, port, fetch)];
  } catch (error) {
    if (error instanceof UsageWrong) throw error;
    return [];
  }
}

function open(hostname: string, port: number, fetch: Handle): Bun.Server<undefined> {
  try {
    // No idle timeout, because the event stream may wait long for the next call.
    return Bun.serve({ hostname, port, fetch, idleTimeout: 0, reusePort: false });
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw error;
    throw new UsageWrong(`Port ${port} of ${hostname} is in use. Name another one with --port.`);
  }
}
