/**
 * Returns the URL at which a process on this machine reaches a listener. A listener on all addresses is reached at
 * the loopback address.
 */
export function listenerUrl({ host, port, basePath }: ListenerAddress): string {
  const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}${basePath}`;
}

interface ListenerAddress {
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
}
