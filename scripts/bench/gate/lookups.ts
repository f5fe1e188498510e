import { loginIdOf } from "../population.ts";
import type { MeasuredProcess } from "../server-process.ts";
import { signRequests } from "../signed-requests.ts";
import { runWrk, type WrkReport } from "../wrk.ts";
import { type DesertedSite, lookupPath } from "./deserted-site.ts";

export interface LookupLoad {
  readonly site: DesertedSite;
  readonly server: MeasuredProcess;
  /** The number of users that are looked up in turn. */
  readonly users: number;
  /** Maximum number of requests. */
  readonly count: number;
  readonly seconds: number;
}

const connections = 64;
const triesMax = 4;

/** The measurement does not count, because not every answer was the data of an existing user. */
export class LookupsWrong extends Error {}

/**
 * Looks users up over 64 connections.
 *
 * @throws {LookupsWrong}
 */
export async function runLookups(load: LookupLoad): Promise<WrkReport> {
  const { site, server, users, count, seconds } = load;
  const requests = signRequests({
    port: server.port,
    path: lookupPath,
    sharedSecret: site.sharedSecret,
    count,
    body: (number) => JSON.stringify({ loginId: loginIdOf("user", number % users) }),
    distinct: users,
  });
  const report = await runWrk({ port: server.port, requests, seconds, connections });
  const { statusErrors, socketErrors } = report;
  if (report.requests === 0 || statusErrors + socketErrors > 0) {
    throw new LookupsWrong(
      `of ${report.requests} lookups ${statusErrors} were answered wrongly and ${socketErrors} not at all`,
    );
  }
  return report;
}

/**
 * Measures again if lookups went wrong. On a busy machine Redis may be out of reach for a moment, and the table that
 * a sidecar then asks contains nobody.
 *
 * @throws {LookupsWrong} they went wrong each time
 */
export async function undisturbed<Measured>(measure: () => Promise<Measured>): Promise<Measured> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await measure();
    } catch (error) {
      if (!(error instanceof LookupsWrong) || tries === triesMax) throw error;
    }
  }
}
