import { RequestFailed } from "../api/failure.ts";

export interface LocalRules {
  readonly port: number;
  /** Origins of sites under test that are not on `localhost`. */
  readonly siteOrigins: readonly string[];
}

/** Paths that any page of this machine may use, since sites under test load the SDK from here. */
const openPaths = /^\/(?:sdk|platform)\//;
const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Refuses what a foreign web page could send: a request whose `Host` is not this listener's own, as after a name was
 * rebound to 127.0.0.1, and one whose `Origin` is not a page of this machine.
 *
 * @throws {RequestFailed} `origin_refused`
 */
export function ensureLocal({ url, headers }: Request, { port, siteOrigins }: LocalRules): void {
  const hosts = loopbackNames.map((name) => `${name}:${port}`);
  if (!hosts.includes(headers.get("host") ?? "")) {
    throw new RequestFailed("origin_refused", `Use http://localhost:${port}: another Host is not served.`);
  }
  const origin = headers.get("origin");
  if (origin === null || hosts.some((host) => origin === `http://${host}`)) return;
  if (openPaths.test(new URL(url).pathname) && isSite(origin, siteOrigins)) return;
  throw new RequestFailed(
    "origin_refused",
    "Pages of this origin may not send this. Name the origin of a site under test with --origin.",
  );
}

/** What lets a page of another origin read the answer; empty where none may. */
export function corsHeaders({ url, headers }: Request, { siteOrigins }: LocalRules): Record<string, string> {
  const origin = headers.get("origin");
  if (origin === null || !openPaths.test(new URL(url).pathname) || !isSite(origin, siteOrigins)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "content-type",
    vary: "Origin",
  };
}

function isSite(origin: string, siteOrigins: readonly string[]): boolean {
  const name = URL.parse(origin)?.hostname ?? "";
  return loopbackNames.includes(name) || name.endsWith(".localhost") || siteOrigins.includes(origin);
}
