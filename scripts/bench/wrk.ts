import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { runForOutput } from "../servers/run-for-output.ts";
import { requireProgram } from "../servers/server-binaries.ts";
import { temporaryFolder } from "../servers/temporary-folder.ts";

export interface LatencyMs {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface WrkReport {
  readonly requests: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly latencyMs: LatencyMs;
  /** Mean size of an answer in bytes, including its head. */
  readonly answerBytes: number;
  /** Answers with a status of 400 or more. */
  readonly statusErrors: number;
  /** Failed connections and missing answers. */
  readonly socketErrors: number;
  /** Whether there were too few requests, so that one was sent twice. */
  readonly ranOut: boolean;
}

export interface WrkLoad {
  readonly port: number;
  /** The requests, which are sent once and in this order; see `signRequests`. */
  readonly requests: readonly string[];
  readonly seconds: number;
  readonly connections: number;
  /** The mean pause of each connection before its next request, in milliseconds; 0 means none. */
  readonly pauseMs?: number;
}

const Printed = Type.Object({
  requests: Type.Number(),
  seconds: Type.Number(),
  bytes: Type.Number(),
  p50Us: Type.Number(),
  p95Us: Type.Number(),
  p99Us: Type.Number(),
  statusErrors: Type.Number(),
  socketErrors: Type.Number(),
  sent: Type.Number(),
});

/** An answer that takes longer counts as missing. A faster but slow one shows in the latencies. */
const answerSeconds = 8;

/**
 * Returns the path of wrk.
 *
 * @throws {ServerUnavailable} wrk is not on this machine and cannot be installed
 */
export const wrkPath = () => requireProgram("wrk", "wrk");

const script = join(import.meta.dir, "wrk-requests.lua");

/**
 * Keeps each connection busy with one request at a time, and reports the answers. wrk runs one thread, since the
 * requests form one sequence.
 *
 * @throws {ServerUnavailable} wrk is not on this machine and cannot be installed
 */
export async function runWrk(load: WrkLoad): Promise<WrkReport> {
  using folder = temporaryFolder();
  const file = folder.at("requests");
  await Bun.write(file, load.requests.join("\0"));
  const output = await runForOutput([
    wrkPath(),
    "--threads=1",
    `--connections=${load.connections}`,
    `--duration=${load.seconds}s`,
    `--timeout=${answerSeconds}s`,
    `--script=${script}`,
    `http://127.0.0.1:${load.port}`,
    "--",
    file,
    String(Math.round(2 * (load.pauseMs ?? 0))),
  ]);
  return parseWrkOutput(output, load.requests.length);
}

/** Parses the last line of the script's output. `given` is the number of requests that it was given. */
export function parseWrkOutput(output: string, given: number): WrkReport {
  const line = output.split("\n").findLast((text) => text.startsWith("{")) ?? "null";
  const printed = Value.Parse(Printed, JSON.parse(line));
  const { requests, seconds, statusErrors, socketErrors } = printed;
  return {
    requests,
    seconds,
    requestsPerSecond: requests / seconds,
    latencyMs: { p50: printed.p50Us / 1000, p95: printed.p95Us / 1000, p99: printed.p99Us / 1000 },
    answerBytes: printed.bytes / Math.max(1, requests),
    statusErrors,
    socketErrors,
    ranOut: printed.sent > given,
  };
}
