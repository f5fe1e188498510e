import { join } from "node:path";
import { fetchDirect } from "../../client/fetch-direct.ts";
import { freePort } from "../../servers/free-port.ts";
import { serverFolder } from "../../servers/server-folder.ts";
import { launchServer, type ServerProgram } from "../../servers/server-process.ts";

/** A real process of the sidecar. */
export interface Sidecar {
  readonly name: string;
  /** The base URL of the signed endpoints. */
  readonly baseUrl: string;
  /** Starts it again after `kill`. Returns how many milliseconds passed until `readyz` succeeded. */
  start(): Promise<number>;
  /** Sends SIGKILL after reading the counters. */
  kill(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /**
   * Returns the counters of `/metrics`, such as `hash hit` or `store stale hit`, summed over all processes since the
   * first start.
   */
  counted(): Promise<Counters>;
  readiness(): Promise<Readiness>;
  /** Calls `POST /admin/invalidate`, as a site does that has changed the row itself. Returns the status. */
  invalidate(loginId: string): Promise<number>;
  remove(): Promise<void>;
}

export type Counters = ReadonlyMap<string, number>;

export interface Readiness {
  readonly status: string;
  readonly filling: boolean;
  /** What is wrong with Redis; empty if nothing is. */
  readonly redisReason: string;
}

export const sharedSecret = new Uint8Array(Buffer.from("the shared secret of fault tests", "utf8"));
const adminToken = "the-bearer-token-of-fault-tests-of-a-fair-length";

const program = join(import.meta.dir, "../../../src/index.ts");
const opsAnswerMs = 2000;

/** Starts a sidecar and resolves when `readyz` succeeds. `settings` are its environment variables. */
export async function startSidecar(
  name: string,
  settings: Readonly<Record<string, string>>,
): Promise<Sidecar> {
  const opsPort = await freePort();
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const server = await launchServer(programOf(name, { ...settings, OPS_PORT: String(opsPort) }, opsUrl));
  let earlierLives: Counters = new Map();
  const counted = async () => sum(earlierLives, await readCounters(opsUrl).catch(() => new Map()));

  return {
    name,
    baseUrl: `http://127.0.0.1:${server.port}/ownid`,
    async start() {
      const startedAt = performance.now();
      await server.start();
      return performance.now() - startedAt;
    },
    async kill() {
      earlierLives = await counted();
      await server.kill();
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    counted,
    readiness: () => readReadiness(opsUrl),
    invalidate: (loginId) => postInvalidation(opsUrl, loginId),
    remove: () => server.remove(),
  };
}

function programOf(name: string, settings: Readonly<Record<string, string>>, opsUrl: string): ServerProgram {
  return {
    name: `sidecar ${name}`,
    dir: serverFolder("sidecar", null),
    account: null,
    stopSignal: "SIGTERM",
    argv(port) {
      const environment = { ...commonSettings, ...settings, PORT: String(port) };
      const assignments = Object.entries(environment).map(([variable, value]) => `${variable}=${value}`);
      return ["env", ...assignments, process.execPath, program];
    },
    async greet() {
      const response = await fetchDirect(`${opsUrl}/readyz`, { keepalive: false });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}

async function readReadiness(opsUrl: string): Promise<Readiness> {
  const response = await fetchDirect(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(opsAnswerMs) });
  const report: unknown = await response.json();
  if (typeof report !== "object" || report === null) throw new Error("readyz did not return an object");
  return {
    status: "status" in report ? String(report.status) : "",
    filling: "filling" in report && report.filling === true,
    redisReason: reasonIn(report, "redis"),
  };
}

function reasonIn(report: object, dependency: string): string {
  const at = (value: unknown, name: string): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return String(at(at(at(report, "dependencies"), dependency), "reason") ?? "");
}

async function postInvalidation(opsUrl: string, loginId: string): Promise<number> {
  const { status } = await fetchDirect(`${opsUrl}/admin/invalidate`, {
    method: "POST",
    headers: { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" },
    body: JSON.stringify({ loginId }),
    keepalive: false,
    signal: AbortSignal.timeout(opsAnswerMs),
  });
  return status;
}

const commonSettings = {
  NODE_ENV: "development",
  ADMIN_TOKEN: adminToken,
  OWNID_SHARED_SECRET: Buffer.from(sharedSecret).toString("base64"),
  LOG_LEVEL: "error",
  LOG_FORMAT: "json",
  DRAIN_SECONDS: "0",
};

/** Reads the counters. `ownid_hash_events_total{event="fill_refused"} 3` becomes `hash fill refused` = 3. */
async function readCounters(opsUrl: string): Promise<Counters> {
  const response = await fetchDirect(`${opsUrl}/metrics`, {
    keepalive: false,
    signal: AbortSignal.timeout(opsAnswerMs),
  });
  const lines = (await response.text()).matchAll(/^ownid_(\w+)_events_total\{event="(\w+)"\} (\d+)$/gm);
  return new Map(
    [...lines].map(([, subject, event, count]) => [
      `${subject} ${event?.replaceAll("_", " ")}`,
      Number(count),
    ]),
  );
}

export function sum(...all: readonly Counters[]): Counters {
  const total = new Map<string, number>();
  for (const counters of all)
    for (const [name, count] of counters) total.set(name, (total.get(name) ?? 0) + count);
  return total;
}
