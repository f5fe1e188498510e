import { UsageWrong } from "../../command.ts";
import { codeOf } from "../../reason.ts";

export interface EmulatorListener {
  readonly port: number;
  stop(): Promise<void>;
}

type Handle = (request: Request) => Response | Promise<Response>;

/**
 * Listens on the loopback interface alone, on both of its addresses where there are two: browsers ask either of them
 * for `localhost`. Port 0 takes a free one.
 *
 * @throws {UsageWrong} the port is taken
 */
export function listenOnLoopback(port: number, handle: Handle): EmulatorListener {
  const first = serve("127.0.0.1", port, handle);
  const { port: taken = port } = first;
  const second = serveIfThere("::1", taken, handle);
  return {
    port: taken,
    async stop() {
      await Promise.all([first.stop(true), second?.stop(true)]);
    },
  };
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
