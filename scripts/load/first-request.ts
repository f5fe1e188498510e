import { ConfigurationInvalid } from "../../src/errors.ts";
import type { Connections, NoAnswer } from "./connections.ts";
import type { Answer } from "./response-reader.ts";
import type { SignedRequests } from "./signed-requests.ts";
import { judge } from "./verdict.ts";

const sweepMs = 20;

/**
 * Sends one lookup before the load. Returns `null` if the answer is the expected one, and otherwise what the operator
 * should do.
 *
 * @throws {ConfigurationInvalid} the sidecar refuses the signature
 */
export async function checkFirstRequest(
  url: string,
  requests: SignedRequests,
  connections: Connections,
): Promise<string | null> {
  const outcome = await send(requests.first().bytes, connections);
  const { error } = judge("get", outcome);
  if (error === null) return null;
  if ("reason" in outcome) return fixOf(url, outcome.reason);
  if (outcome.status === 401) throw new ConfigurationInvalid([signatureRefused(url)]);
  if (error.endsWith("no such user")) {
    return (
      "The sidecar knows no user with the first login id, so only 404 would be measured. " +
      "Name users of its table with --users FILE or --login-id PATTERN."
    );
  }
  if (error.endsWith("ERR_PATH_UNKNOWN")) {
    return `The sidecar has no endpoints at ${url}. Set --url to their address, which ends with the sidecar's BASE_PATH.`;
  }
  return (
    `The first request was answered with ${error}, so the load test did not start. ` +
    `Check that the server at ${url} is the sidecar. Run \`bun run doctor\` to find out what it lacks.`
  );
}

function send(request: Buffer, connections: Connections): Promise<Answer | NoAnswer> {
  const sweeper = setInterval(connections.giveUpLate, sweepMs);
  return new Promise<Answer | NoAnswer>((resolve) => connections.send(request, resolve)).finally(() =>
    clearInterval(sweeper),
  );
}

function fixOf(url: string, reason: string): string {
  if (reason === "connection refused") {
    return `Nothing listens at ${url} (connection refused). Start the sidecar with: bun run start`;
  }
  return `The first request to ${url} got no answer (${reason}), so the load test did not start.`;
}

function signatureRefused(url: string): string {
  return (
    `OWNID_SHARED_SECRET: the sidecar at ${url} refuses the signature (401). Run this command where the sidecar ` +
    "runs, or set OWNID_SHARED_SECRET (or OWNID_SHARED_SECRET_FILE) to its secret. If it is the same secret, compare the clocks."
  );
}
