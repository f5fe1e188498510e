import { Elysia } from "elysia";
import type { SessionIssuer } from "../../sessions/session-issuer.ts";

export interface JwksOptions {
  readonly sessions: SessionIssuer;
  readonly maxAgeSeconds: number;
}

/** The public keys of the session tokens (RFC 7517), for the site's own backend and nobody's secret. */
export function jwks({ sessions, maxAgeSeconds }: JwksOptions) {
  return new Elysia().get("/.well-known/jwks.json", ({ set }) => {
    set.headers["cache-control"] = `public, max-age=${maxAgeSeconds}`;
    set.headers["content-type"] = "application/jwk-set+json";
    return sessions.publicKeys();
  });
}
