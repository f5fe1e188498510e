import { lookup } from "node:dns/promises";
import { codeOf } from "../error-code.ts";
import { connectionRefused, type SqlFailure } from "./dialects/sql-failure.ts";

/**
 * Distinguishes a host name without an address from a server that does not listen, since the driver reports both as a
 * refused connection. Any other failure is returned unchanged.
 */
export async function explainRefusedConnection(failure: SqlFailure, url: string): Promise<SqlFailure> {
  if (failure !== connectionRefused) return failure;
  const host = decodeURIComponent(new URL(url).hostname).replace(/^\[(.*)\]$/, "$1");
  const isSocket = host === "" || host.startsWith("/");
  const code = isSocket ? null : await whyNoAddress(host);
  if (code === null) return failure;
  return {
    ...failure,
    reason: `the host name in DATABASE_URL has no address (${code})`,
    fix: "correct the host name in DATABASE_URL, or check whether this machine's name service knows it",
  };
}

/** Returns the system's reason, or `null` if the host has an address. */
async function whyNoAddress(host: string): Promise<string | null> {
  try {
    await lookup(host);
    return null;
  } catch (error) {
    return codeOf(error) || "unknown";
  }
}
