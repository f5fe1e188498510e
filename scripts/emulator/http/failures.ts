import { Elysia, ValidationError } from "elysia";
import { failureStatuses, RequestFailed } from "../api/failure.ts";

/** Answers every error as a `Failure`, and reports unexpected ones to `onInternal`. */
export function failures(onInternal: (error: unknown) => void) {
  return new Elysia()
    .onError(({ code, error, set }) => {
      const failure = failureOf(code, error);
      if (failure.code === "internal_error") onInternal(error);
      set.status = failureStatuses[failure.code];
      return failure.toAnswer();
    })
    .as("global");
}

function failureOf(code: string | number, error: unknown): RequestFailed {
  if (error instanceof RequestFailed) return error;
  if (error instanceof ValidationError) {
    const where = error.all.flatMap((fault) => ("path" in fault ? [fault.path] : []));
    return invalid(
      `The request does not have what this path takes: see ${[...new Set(where)].join(", ") || "the body"}.`,
    );
  }
  if (code === "PARSE") return invalid("The body must be JSON, sent as application/json.");
  if (code === "NOT_FOUND") return new RequestFailed("not_found", "There is no such path.");
  return new RequestFailed("internal_error", "The emulator failed. Its output names the cause.");
}

function invalid(message: string): RequestFailed {
  return new RequestFailed("request_invalid", message);
}
