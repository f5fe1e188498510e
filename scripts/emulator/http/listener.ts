import { UsageWrong } from "../../command.ts";
import { codeOf } from "../../reason.ts";

export interface EmulatorListener {
  readonly port: number;
  stop(): Promise<void>;
}

const freePortAttempts = 5;

type Handle = (request: Request) => Response | Promise<Response>;

/**
 * Listens on the loopback interface alone, on both of its addresses where there are two: browsers ask either of them
 * for `localhost`. Port 0 takes a free one.
 *
 * @throws {UsageWrong} the port is taken
 */
export async function listenOnLoopback(port: number, handle: Handle): Promise<EmulatorListener> {
  for (let attempt = 1; ; attempt += 1) {
    const first = serve("127.0.0.1", port, handle);
    const { port: taken = port } = first;
    try {
      const second = serveIfThere("::1", taken, handle);
      return {
        port: taken,
        stop: async () => void (await Promise.all([first.stop(true), second?.stop(true)])),
      };
    } catch (error) {
      await first.stop(true);
      // A port that is free on one address may be taken on the other one.
      if (port !== 0 || attempt === freePortAttempts) throw error;
    }
  }
}

/** `null`: the machine has no such address. */
function serveIfThere(hostname: string, port: number, handle: Handle) {
  try {
    return serve(hostname, port, handle);
  } catch (error) {
    if (error instanceof UsageWrong) throw error;
    return null;
  }
}

function serve(hostname: string, port: number, fetch: Handle) {
  try {
    // No limit to how long a connection is idle: the stream of events waits for the next call.
    return Bun.serve({ hostname, port, fetch, idleTimeout: 0, reusePort: false });
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw error;
    throw new UsageWrong(`Port ${port} of ${hostname} is in use. Name another one with --port.`);
  }
}
