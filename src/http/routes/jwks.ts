import { Elysia } from "elysia";
import type { Sessions } from "../../sessions/sessions.ts";

export interface JwksOptions {
  readonly sessions: Pick<Sessions, "publicKeys">;
  readonly maxAgeSeconds: number;
}

const jwkSet = "application/jwk-set+json";
const json = "application/json";

/**
 * `GET /.well-known/jwks.json`: the public keys of the session tokens (RFC 7517). A client that accepts
 * `application/json` and does not know the media type of a key set gets `application/json`.
 */
export function jwks({ sessions, maxAgeSeconds }: JwksOptions) {
  return new Elysia().get("/.well-known/jwks.json", ({ set, request }) => {
    set.headers["cache-control"] = `public, max-age=${maxAgeSeconds}`;
    set.headers["content-type"] = typeFor(request.headers.get("accept") ?? "");
    set.headers.vary = "accept";
    return sessions.publicKeys();
  });
}

function typeFor(accept: string): string {
  const types = accept.split(",").map((range) => range.split(";")[0]?.trim().toLowerCase());
  return types.includes(json) && !types.includes(jwkSet) ? json : jwkSet;
}
