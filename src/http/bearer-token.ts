import { createHash, timingSafeEqual } from "node:crypto";
import { Elysia } from "elysia";
import { type PathFault, PathUnknown, TokenInvalid, TooManyFailures } from "../errors.ts";

export interface BearerTokenOptions {
  /** Names the guard; routes with the same guard share it. */
  readonly name: string;
  /** Asked at every request. Any of these is accepted; `null` stands for a token that is not configured. */
  readonly tokens: () => readonly (string | null)[];
  /** Why the routes are not there while no token is configured. */
  readonly absence: PathFault;
}

const failuresPerWindowMax = 30;
const windowMs = 60_000;

/** Finds a bearer token in `Authorization` (RFC 6750, section 2.1); `null` where there is none. */
export function bearerOf({ headers }: Request): string | null {
  return /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1] ?? null;
}

/** Refuses requests without the bearer token. A route uses one of the two. */
export interface BearerGuard {
  /** For routes with a body, which is not read before the token has been checked. */
  readonly beforeBody: ReturnType<typeof beforeBody>;
  /** For routes without a body, of which Elysia parses nothing. */
  readonly beforeParameters: ReturnType<typeof beforeParameters>;
}

type Check = (context: {
  readonly request: Request;
  readonly set: { readonly headers: AnswerHeaders };
}) => void;
type AnswerHeaders = Record<string, string | number | undefined>;

function beforeBody(name: string, check: Check) {
  return new Elysia({ name: `bearer-token-${name}` }).onParse({ as: "scoped" }, check);
}

function beforeParameters(name: string, check: Check) {
  return new Elysia({ name: `bearer-token-${name}-without-body` }).onTransform({ as: "scoped" }, check);
}

/**
 * Guards routes with a bearer token. Without a token in the configuration the routes are not there. After 30 wrong tokens
 * within a minute, further wrong ones are answered 429; the right one is accepted always, so that nobody can lock the
 * site's backend out.
 */
export function bearerToken({ name, tokens, absence }: BearerTokenOptions): BearerGuard {
  const countFailure = createFailureWindow();
  const check: Check = ({ request, set }) => {
    const expected = tokens()
      .filter((token) => token !== null)
      .map(digest);
    if (expected.length === 0) throw new PathUnknown(absence);
    const given = digest(bearerOf(request) ?? "");
    // Compared with every token, so that the time does not tell which one is closer.
    const matches = expected.map((digested) => timingSafeEqual(given, digested));
    if (matches.includes(true)) return;
    if (countFailure() > failuresPerWindowMax) throw new TooManyFailures();
    set.headers["www-authenticate"] = "Bearer";
    throw new TokenInvalid();
  };
  return { beforeBody: beforeBody(name, check), beforeParameters: beforeParameters(name, check) };
}

/** Returns how many failures there have been since the window began, this one included. */
function createFailureWindow(): () => number {
  let beganAt = Number.NEGATIVE_INFINITY;
  let failures = 0;
  return () => {
    if (performance.now() - beganAt >= windowMs) {
      beganAt = performance.now();
      failures = 0;
    }
    failures += 1;
    return failures;
  };
}

/** Hashes the token, so that both sides have equal length and can be compared in constant time. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
