import { join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { loginIdOf } from "./population.ts";
import type { Site } from "./site.ts";
import type { LatencyMs } from "./wrk.ts";

export interface OpenLoop {
  readonly site: Pick<Site, "environment" | "users">;
  readonly port: number;
  readonly perSecond: number;
  readonly connections: number;
  /** Load that is not counted: the server gets warm, and so does the generator. */
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Where the generator runs, as `taskset` takes it; `null` = anywhere. */
  readonly processors: string | null;
}

export interface OpenLoopReport {
  /** From the instant at which a request was due, whether or not it could be sent then. */
  readonly latencyMs: LatencyMs;
  /** By how much the generator itself was late: it is part of the latency, and not the server's. */
  readonly latenessP99Ms: number;
  readonly requests: number;
  /** How many got no right answer. */
  readonly errors: number;
}

const command = join(import.meta.dir, "../load/index.ts");

/**
 * Looks up the warm users at a rate that does not depend on the answers, by `bun run loadtest` in a process of its
 * own: what it costs is neither the server's nor this process's, and it says how late it was itself.
 *
 * @throws {Error} with what it said, when it made no load
 */
export async function runOpenLoop(load: OpenLoop): Promise<OpenLoopReport> {
  const { site, port, perSecond, connections, warmSeconds, seconds, processors } = load;
  using folder = temporaryFolder();
  const generator = [
    ...(processors === null ? [] : ["taskset", "--cpu-list", processors]),
    ...[process.execPath, command, "--json"],
    `--url=http://127.0.0.1:${port}/ownid`,
    `--login-id=${loginIdOf("user", `{0..${site.users.user - 1}}`)}`,
    `--rate=${perSecond}`,
    `--connections=${connections}`,
    `--warm-up=${warmSeconds}s`,
    `--duration=${seconds}s`,
  ];
  const child = Bun.spawn(generator, {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? "", ...site.environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (!stdout.startsWith("{")) throw new Error(`the load generator ended with ${child.exitCode}: ${stderr}`);
  return parseOpenLoop(stdout);
}

const Milliseconds = Type.Union([Type.Number(), Type.Null()]);

const Printed = Type.Object({
  all: Type.Object({
    requests: Type.Number(),
    errors: Type.Number(),
    p50Ms: Milliseconds,
    p95Ms: Milliseconds,
    p99Ms: Milliseconds,
  }),
  sends: Type.Object({ latenessP99Ms: Milliseconds }),
});

/** Of what `bun run loadtest --json` prints. Without any right answer every latency is infinite. */
export function parseOpenLoop(output: string): OpenLoopReport {
  const { all, sends } = Value.Parse(Printed, JSON.parse(output));
  const known = (milliseconds: number | null) => milliseconds ?? Number.POSITIVE_INFINITY;
  return {
    latencyMs: { p50: known(all.p50Ms), p95: known(all.p95Ms), p99: known(all.p99Ms) },
    latenessP99Ms: known(sends.latenessP99Ms),
    requests: all.requests,
    errors: all.errors,
  };
}
