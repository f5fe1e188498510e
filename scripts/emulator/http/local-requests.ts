import { RequestFailed } from "../api/failure.ts";

export interface LocalRules {
  readonly port: number;
  /** The origins that `--origin` names. */
  readonly siteOrigins: readonly string[];
}

/** The paths that pages of other local origins may use, because sites under test load the SDK from here. */
const openPaths = /^\/(?:sdk|platform)\//;
const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Refuses requests of foreign web pages. `Host` must name this listener, which a page that uses DNS rebinding cannot
 * achieve. `Origin`, if there is one, must be the emulator's own, or for the open paths that of a site under test.
 *
 * @throws {RequestFailed} `origin_refused`
 */
export function ensureLocal({ url, headers }: Request, { port, siteOrigins }: LocalRules): void {
  const hosts = loopbackNames.map((name) => `${name}:${port}`);
  if (!hosts.includes(headers.get("host") ?? "")) {
    throw new RequestFailed(
      "origin_refused",
      `Use http://localhost:${port}. Requests for another Host are refused.`,
    );
  }
  const origin = headers.get("origin");
  if (origin === null || hosts.some((host) => origin === `http://${host}`)) return;
  if (openPaths.test(new URL(url).pathname) && isSite(origin, siteOrigins)) return;
  throw new RequestFailed(
    "origin_refused",
    "Pages of this origin may not send this request. Name the origin of your site with --origin.",
  );
}

/** Returns the headers that let a site under test read the answer; none for other origins and paths. */
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
