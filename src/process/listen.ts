import type { Listener } from "../app.ts";
import { ConfigurationInvalid } from "../errors.ts";

export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
  /** How long an idle connection stays open at least. */
  readonly keepAliveSeconds: number;
}

/** Bun closes an idle connection up to one step of its timer too early. */
const idleTimerSeconds = 4;
/** What keeps a listener from its port; any other reason has to do with the host. */
const aboutPorts: ReadonlySet<string> = new Set(["EADDRINUSE", "EACCES"]);
const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: "Another program listens there: end it, or choose another port.",
  EACCES: "This account may not use that port: choose one above 1023.",
  EADDRNOTAVAIL: "This machine does not have that address.",
};

/**
 * Opens a listener and returns its origin. `variable` is the setting of its port.
 *
 * @throws {ConfigurationInvalid} it cannot listen there
 */
export function listen(app: Listener, variable: "PORT" | "OPS_PORT", address: ListenerAddress): string {
  const { host, port, keepAliveSeconds } = address;
  try {
    app.listen({ hostname: host, port, idleTimeout: keepAliveSeconds + idleTimerSeconds });
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "it cannot be used";
    const named = aboutPorts.has(reason) ? variable : variable.replace("PORT", "HOST");
    const problem = `${named}: cannot listen on ${host}:${port} (${reason}).`;
    throw new ConfigurationInvalid([`${problem} ${remedies[reason] ?? ""}`.trimEnd()]);
  }
  return `http://${host.includes(":") ? `[${host}]` : host}:${app.server?.port ?? port}`;
}
