import { createHash, timingSafeEqual } from "node:crypto";
import { Elysia } from "elysia";
import { type ErrorCode, type PathFault, PathUnknown, TokenInvalid, TooManyFailures } from "../errors.ts";
import type { AnswerHeaders } from "./request-id.ts";

export interface BearerTokenOptions {
  /** The name of this guard. Routes that use the same name share it. */
  readonly name: string;
  /** Returns the accepted tokens; called at every request. `null` stands for a token that is not configured. */
  readonly tokens: () => readonly (string | null)[];
  /** The reason that is logged while no token is configured and the routes therefore do not exist. */
  readonly absence: PathFault;
  /** Called for each refused request. Of those that are refused with 429, only the first one of a minute is reported. */
  readonly onRefused?: (request: GuardedRequest, code: ErrorCode) => void;
}

const failuresPerWindowMax = 30;
const windowMs = 60_000;

/** Returns the bearer token of `Authorization` (RFC 6750, section 2.1), or `null`. */
export function bearerOf({ headers }: Request): string | null {
  return /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1] ?? null;
}

/** Refuses requests without the bearer token. A route uses one of the two. */
export interface BearerGuard {
  /** For routes with a body, which is not read before the token has been checked. */
  readonly beforeBody: ReturnType<typeof beforeBody>;
  /** For routes without a body, for which Elysia runs no parser. */
  readonly beforeParameters: ReturnType<typeof beforeParameters>;
}

export interface GuardedRequest {
  readonly request: Request;
  /** The template of its path. */
  readonly route: string;
  readonly set: AnswerHeaders;
}

type Check = (context: GuardedRequest) => void;

function beforeBody(name: string, check: Check) {
  return new Elysia({ name: `bearer-token-${name}` }).onParse({ as: "scoped" }, check);
}

function beforeParameters(name: string, check: Check) {
  return new Elysia({ name: `bearer-token-${name}-without-body` }).onTransform({ as: "scoped" }, check);
}

/**
 * Guards routes with a bearer token, before their body is read. The routes do not exist if no token is configured.
 * After 30 wrong tokens within a minute, further wrong ones are answered with 429. The right one is always accepted,
 * so that nobody can lock the site's backend out.
 */
export function bearerToken({ name, tokens, absence, onRefused }: BearerTokenOptions): BearerGuard {
  const countFailure = createFailureWindow();
  const check: Check = (context) => {
    const { request, set } = context;
    const expected = tokens()
      .filter((token) => token !== null)
      .map(digest);
    if (expected.length === 0) throw new PathUnknown(absence);
    const given = digest(bearerOf(request) ?? "");
    // Every token is compared, so that the time does not reveal which one is closest.
    const matches = expected.map((digested) => timingSafeEqual(given, digested));
    if (matches.includes(true)) return;
    const failures = countFailure();
    const failure = failures > failuresPerWindowMax ? new TooManyFailures() : new TokenInvalid();
    if (failures <= failuresPerWindowMax + 1) onRefused?.(context, failure.code);
    if (failure instanceof TokenInvalid) set.headers["www-authenticate"] = "Bearer";
    throw failure;
  };
  return { beforeBody: beforeBody(name, check), beforeParameters: beforeParameters(name, check) };
}

/** Returns a function that counts one failure and returns how many there have been in the current minute. */
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

/** Hashes the token to a fixed length, so that both sides can be compared in constant time. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
