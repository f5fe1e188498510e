const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/i;

/** Returns whether traffic to this host stays on this machine. */
export function isLoopback(host: string): boolean {
  return loopback.test(host);
}
