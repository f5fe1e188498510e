import { Elysia, NotFoundError, ParseError, ValidationError } from "elysia";
import { InternalFault, PathUnknown, RequestInvalid, SidecarError } from "../errors.ts";
import type { RequestKind, RequestOutcome } from "../process/counters.ts";
import type { Logger } from "../process/logger.ts";
import type { Metrics } from "../process/metrics.ts";
import { createFailureLog } from "./failure-log.ts";
import { explainPath } from "./path-fault.ts";
import { answers, problemResponse } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";

export interface EnvelopeOptions {
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, "countRequest" | "countFailure" | "countLogEntries">;
  /** The routes whose requests are counted, by their template. */
  readonly counted: ReadonlyMap<string, RequestKind>;
  /** Whether an unknown user is answered as in OwnID's code samples, with 200 `{"errorCode":404}`. */
  readonly compatErrorCode404: boolean;
  readonly isDraining: () => boolean;
}

/** These headers keep an answer out of caches and forbid guessing another content type. */
const usualHeaders = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
/** The headers of a JSON answer that needs no others. Copying them takes a third of the time of building them. */
const usualJson = {
  headers: new Headers({ ...usualHeaders, "content-type": "application/json;charset=utf-8" }),
};

/**
 * Adds what all answers of a listener have in common: headers that keep them out of caches and, for a failure, a
 * problem body and a log line with the same request id. Every request is counted. While the process drains, each
 * answer closes its connection, so that clients move on to another sidecar.
 */
export function envelope({ logger, metrics, counted, compatErrorCode404, isDraining }: EnvelopeOptions) {
  const logFailure = createFailureLog({ logger, onLeftOut: () => metrics.countLogEntries("left out") });

  function count(route: string | undefined, outcome: RequestOutcome): void {
    const kind = route === undefined ? undefined : counted.get(route);
    if (kind !== undefined) metrics.countRequest(kind, outcome);
  }

  const failures = new WeakSet<Response>();

  function fail(response: Response): Response {
    failures.add(response);
    return response;
  }

  /** Keeps the headers that a route has set itself, except that a draining process closes the connection. */
  function addUsual(headers: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(usualHeaders)) headers[name] ??= value;
    if (isDraining()) headers.connection = "close";
  }

  // There is no `onRequest` hook: with one, Elysia reads the URL of every request, which Bun must first assemble and
  // parse.
  return new Elysia({ name: "envelope" })
    .mapResponse({ as: "scoped" }, ({ responseValue, set, route }) => {
      if (isPlainObject(responseValue) && set.status === 200 && isEmpty(set.headers) && !isDraining()) {
        count(route, "answered");
        return new Response(JSON.stringify(responseValue), usualJson);
      }
      // The answer of a failure also arrives here. It has already been counted.
      if (!(responseValue instanceof Response && failures.has(responseValue))) count(route, "answered");
      addUsual(set.headers);
      if (responseValue instanceof Response) moveHeaders(set, responseValue);
      return undefined;
    })
    .onError({ as: "scoped" }, ({ error, set, route, request }) => {
      const failure = toSidecarError(error, request);
      count(route, outcomeOf(failure));
      metrics.countFailure(failure.code, failure.reason);
      addUsual(set.headers);
      const requestId = requestIdOf(set);
      logFailure(failure, { requestId, method: request.method, route: route ?? null });
      if (failure.code === "ERR_USER_UNKNOWN" && compatErrorCode404) {
        // Elysia has set 500, which would take precedence over the status of a `Response`.
        set.status = 200;
        return fail(Response.json({ errorCode: 404 }));
      }
      return fail(problemResponse(failure, requestId));
    });
}

/** What Elysia adds to the answer of a route. */
interface Additions {
  headers: Record<string, unknown>;
  status?: number | string;
}

/**
 * Moves the headers into a response that a route or a failure has made, and leaves nothing to add. Elysia would
 * otherwise copy the response, and read its body as a stream for that.
 */
function moveHeaders(additions: Additions, { headers }: Response): void {
  for (const [name, value] of Object.entries(additions.headers)) {
    if (!headers.has(name)) headers.set(name, String(value));
  }
  additions.headers = {};
  additions.status = 200;
}

function isPlainObject(value: unknown): boolean {
  return value?.constructor === Object;
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

function toSidecarError(error: unknown, { url }: Request): SidecarError {
  if (error instanceof SidecarError) return error;
  if (error instanceof ParseError) {
    return error.cause instanceof SidecarError ? error.cause : new RequestInvalid();
  }
  if (error instanceof ValidationError && error.type !== "response")
    return new RequestInvalid(problemOf(error));
  if (error instanceof NotFoundError) return new PathUnknown(explainPath(url));
  return new InternalFault("", { cause: error });
}

/** Returns the sentence that the schema of the first wrong field carries. The submitted value is not read. */
function problemOf(error: ValidationError): string {
  const sentence: unknown = error.valueError?.schema["x-problem"];
  return typeof sentence === "string" ? sentence : "The body must be a JSON object.";
}

function outcomeOf({ code }: SidecarError): RequestOutcome {
  if (code === "ERR_USER_UNKNOWN") return "user unknown";
  return answers[code].status < 429 ? "refused" : "failed";
}
