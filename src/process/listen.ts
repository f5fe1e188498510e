import type { Listener } from "../app.ts";
import { codeOf } from "../error-code.ts";
import { ConfigurationInvalid } from "../errors.ts";

export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
  /** How long an idle connection stays open at least. */
  readonly keepAliveSeconds: number;
  /** The port of the listener that was opened before, if there is one. */
  readonly otherPort: number | null;
}

/** A listener that accepts connections. */
export interface OpenListener {
  readonly origin: string;
  readonly port: number;
  /** Returns the number of requests in flight. */
  requestsInFlight(): number;
  /** Closes the connections that wait for another request, and returns how many there were. */
  closeIdleConnections(): number;
  /**
   * Closes all connections without a request in flight, including those that have never sent a request. Requests in
   * flight get ten seconds to finish. Does nothing while an earlier call is still waiting for them.
   *
   * @throws {ConfigurationInvalid} the port cannot be opened again
   */
  reopen(): void;
  /** Stops accepting connections and closes the open ones. Requests in flight get ten seconds to finish. */
  stop(): Promise<void>;
}

/** Bun may close an idle connection one step of its timer early. */
const idleTimerSeconds = 4;
const inFlightMs = 10_000;
const inFlightCheckMs = 50;
/** The errors that are about the port. Every other one is about the host. */
const aboutPorts: ReadonlySet<string> = new Set(["EADDRINUSE", "EACCES"]);
const fixes: Readonly<Record<string, string>> = {
  EADDRINUSE: "Another program listens there: end it, or choose another port.",
  EACCES: "This account may not use that port: choose one above 1023.",
  EADDRNOTAVAIL: "This machine does not have that address.",
};

const sameAsOther = "PORT and OPS_PORT are the same: change one of them.";

type Server = NonNullable<Listener["server"]>;

/**
 * Opens a listener. `variable` is the setting of its port.
 *
 * @throws {ConfigurationInvalid} it cannot listen there
 */
export function listen(app: Listener, variable: "PORT" | "OPS_PORT", address: ListenerAddress): OpenListener {
  const { host } = address;
  let server = openServer(app, variable, address);
  const port = server.port ?? address.port;
  let replaced: Promise<void> | null = null;
  let isStopping = false;

  return {
    origin: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    requestsInFlight: () => server.pendingRequests,
    closeIdleConnections: () => server.closeIdleConnections(),

    reopen() {
      if (replaced !== null || isStopping) return;
      const former = server;
      // Bun closes connections that have sent nothing only together with the whole server.
      const stopped = stopServer(former);
      server = openServer(app, variable, { ...address, port });
      replaced = stopped.finally(() => {
        replaced = null;
      });
    },

    async stop() {
      isStopping = true;
      await Promise.all([stopServer(server), replaced]);
    },
  };
}

/**
 * Frees the port immediately, and closes all connections once the requests in flight have finished. The promise of a
 * graceful `stop` is not awaited, because it also waits for the connections that have sent nothing.
 */
async function stopServer(server: Server): Promise<void> {
  void server.stop();
  const deadline = performance.now() + inFlightMs;
  while (server.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(inFlightCheckMs);
  await server.stop(true);
}

function openServer(
  app: Listener,
  variable: "PORT" | "OPS_PORT",
  { host, port, otherPort, keepAliveSeconds }: ListenerAddress,
): Server {
  try {
    app.listen({ hostname: host, port, idleTimeout: keepAliveSeconds + idleTimerSeconds });
  } catch (error) {
    const reason = codeOf(error) || "it cannot be used";
    const named = aboutPorts.has(reason) ? variable : variable.replace("PORT", "HOST");
    const problem = `${named}: cannot listen on ${host}:${port} (${reason}).`;
    const fix = port === otherPort ? sameAsOther : (fixes[reason] ?? "");
    throw new ConfigurationInvalid([`${problem} ${fix}`.trimEnd()]);
  }
  if (app.server === null) throw new Error("Elysia has opened no server.");
  return app.server;
}
