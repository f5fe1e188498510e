import { actions } from "../client/endpoints.ts";
import { UsageWrong } from "../command.ts";
import { parseDurationMs, parseInteger } from "../quantities.ts";
import type { Rate, Spacing } from "./arrivals.ts";
import { latencyMsMax } from "./latencies.ts";
import { chooseLoginIds, type LoginIds } from "./login-ids.ts";
import type { Mix } from "./signed-requests.ts";
import { parseThresholds, type Threshold } from "./thresholds.ts";

export type Profile = "constant" | "ramp" | "soak";

/** A load test as its options describe it. Every number has been checked against its bounds. */
export interface Plan {
  readonly profile: Profile;
  readonly rate: Rate;
  readonly spacing: Spacing;
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly mix: Mix;
  readonly loginIds: LoginIds;
  readonly valueBytes: number;
  readonly connectionsMax: number;
  readonly timeoutMs: number;
  readonly thresholds: readonly Threshold[];
}

/** The command-line options that make up the plan. */
export const planOptions = {
  profile: { type: "string" },
  rate: { type: "string" },
  ramp: { type: "string" },
  duration: { type: "string" },
  "warm-up": { type: "string" },
  arrivals: { type: "string" },
  mix: { type: "string" },
  users: { type: "string" },
  "login-id": { type: "string" },
  "value-bytes": { type: "string" },
  connections: { type: "string" },
  timeout: { type: "string" },
  p50: { type: "string" },
  p90: { type: "string" },
  p95: { type: "string" },
  p99: { type: "string" },
  p999: { type: "string" },
  errors: { type: "string" },
  "min-rate": { type: "string" },
} as const;

type PlanOptions = Readonly<Partial<Record<keyof typeof planOptions, string | undefined>>>;

const hoursMs = 3_600_000;
const rateMax = 100_000;
const requestsMax = 1_000_000_000;
const duration = { least: 1000, most: 24 * hoursMs };

/**
 * Reads the plan from the options of the command line.
 *
 * @throws {UsageWrong} an option is not understood; the message names the first one
 */
export function makePlan(options: PlanOptions): Plan {
  const profile = parseProfile(options);
  const rate = parseRate(options, profile);
  const defaultDuration = profile === "soak" ? "1h" : "30s";
  const durationMs = parseDurationMs("duration", options.duration ?? defaultDuration, duration);
  const requests = ((rate.from + rate.to) / 2) * (durationMs / 1000);
  if (requests > requestsMax)
    throw new UsageWrong("This would be more than 1,000,000,000 requests. Lower --rate or --duration.");
  if (requests < 1) throw new UsageWrong("This would be less than one request. Raise --rate or --duration.");
  return {
    profile,
    rate,
    spacing: parseSpacing(options.arrivals ?? "poisson"),
    durationMs,
    warmUpMs: parseDurationMs("warm-up", options["warm-up"] ?? "2s", { least: 0, most: hoursMs }),
    mix: parseMix(options.mix ?? "get=100"),
    loginIds: chooseLoginIds({ users: options.users, "login-id": options["login-id"] }),
    valueBytes: parseInteger("value-bytes", options["value-bytes"] ?? "1024", { least: 16, most: 60_000 }),
    connectionsMax: parseInteger("connections", options.connections ?? "256", { least: 1, most: 10_000 }),
    timeoutMs: parseDurationMs("timeout", options.timeout ?? "5s", { least: 10, most: latencyMsMax / 2 }),
    thresholds: parseThresholds(options),
  };
}

function parseProfile({ profile, ramp }: PlanOptions): Profile {
  const chosen = profile ?? (ramp === undefined ? "constant" : "ramp");
  if (chosen !== "constant" && chosen !== "ramp" && chosen !== "soak") {
    throw new UsageWrong("--profile takes constant, ramp or soak.");
  }
  if ((chosen === "ramp") !== (ramp !== undefined)) {
    throw new UsageWrong(
      "--profile ramp needs --ramp FROM..TO, such as --ramp 100..2000. No other profile accepts --ramp.",
    );
  }
  return chosen;
}

function parseRate({ rate, ramp }: PlanOptions, profile: Profile): Rate {
  if (profile !== "ramp") {
    const perSecond = parsePerSecond("rate", rate ?? "100");
    return { from: perSecond, to: perSecond };
  }
  if (rate !== undefined) throw new UsageWrong("Give --rate or --ramp, not both.");
  const [from = "", to = "", ...more] = (ramp ?? "").split("..");
  if (more.length > 0) throw new UsageWrong("--ramp takes FROM..TO, such as 100..2000.");
  return { from: parsePerSecond("ramp", from), to: parsePerSecond("ramp", to) };
}

function parsePerSecond(option: "rate" | "ramp", text: string): number {
  const rate = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (rate > 0 && rate <= rateMax) return rate;
  const form = option === "rate" ? "requests per second" : "FROM..TO in requests per second";
  throw new UsageWrong(`--${option} takes ${form}, each up to 100,000.`);
}

function parseSpacing(text: string): Spacing {
  if (text === "poisson" || text === "even") return text;
  throw new UsageWrong("--arrivals takes poisson or even.");
}

function parseMix(text: string): Mix {
  const mix = { get: 0, set: 0, session: 0 };
  for (const part of text.split(",")) {
    const [, name, weight] = /^([a-z]+)=(\d{1,4})$/.exec(part.trim()) ?? [];
    const endpoint = actions.find((known) => known === name);
    if (endpoint === undefined) throw new UsageWrong("--mix takes shares such as get=90,set=5,session=5.");
    mix[endpoint] = Number(weight);
  }
  if (mix.get + mix.set + mix.session === 0)
    throw new UsageWrong("--mix must give at least one endpoint a share.");
  return mix;
}
