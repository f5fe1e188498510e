import { type Config, loadConfig } from "../../src/config/load-config.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { settings } from "../../src/config/settings.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";

/** The configuration, as far as it can be examined although parts of it may be wrong. */
export interface ExaminedConfig {
  /** A setting that is wrong is replaced by its default. */
  readonly config: Config;
  /** Every problem, as a start would report it. */
  readonly problems: readonly Problem[];
  readonly isProduction: boolean;
  /** Whether it is known where the database and Redis are. */
  readonly knows: { readonly database: boolean; readonly redis: boolean };
}

export interface Problem {
  readonly variable: string;
  readonly sentence: string;
}

const redisAddress = [
  "REDIS_URL",
  "REDIS_MODE",
  "REDIS_SENTINEL_MASTER",
  "REDIS_SENTINEL_USERNAME",
  "REDIS_SENTINEL_PASSWORD",
  "REDIS_SENTINEL_TLS",
  "REDIS_TLS_CA_FILE",
  "REDIS_TLS_CERT_FILE",
  "REDIS_TLS_KEY_FILE",
];
const databaseAddress = [
  "DATABASE_URL",
  "DATABASE_TLS_CA_FILE",
  "DATABASE_TLS_CERT_FILE",
  "DATABASE_TLS_KEY_FILE",
];
const coherence = ["COHERENCE_STATEMENT_MS", "COHERENCE_GRACE_MS", "KEEP_ALIVE_SECONDS"];
const signing = ["SESSION_ALG", "SESSION_SECRET"];
const handoff = ["SESSION_HANDOFF", "BACKEND_TOKEN"];
/** Groups of settings that have a meaning only together. If one is wrong, the defaults of all are used. */
const relatedSettings = [redisAddress, databaseAddress, coherence, signing, handoff];

const noSecret = () => crypto.getRandomValues(new Uint8Array(32));

/** Reads the settings, and reads them again without those that are wrong. Creates no file and no secret. */
export function examineConfiguration(environment: Environment): ExaminedConfig {
  const { config, problems } = load(environment);
  const isProduction = environment.NODE_ENV?.trim() === "production";
  if (config !== null) return { config, problems, isProduction, knows: { database: true, redis: true } };
  // Development requires less, so that what production lacks does not hide the rest.
  const relaxed = { ...environment, NODE_ENV: "development" };
  const broken = new Set(load(relaxed).problems.flatMap(({ variable }) => withRelated(variable)));
  const isKnown = (address: readonly string[]) => !address.some((name) => broken.has(name));
  return {
    config: loadConfig(without(relaxed, broken), noSecret),
    problems,
    isProduction,
    knows: { database: isKnown(databaseAddress), redis: isKnown(redisAddress) },
  };
}

function load(environment: Environment): { config: Config | null; problems: readonly Problem[] } {
  try {
    return { config: loadConfig(environment, noSecret), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigurationInvalid)) throw error;
    const problems = error.problems.map((sentence) => ({ variable: variableOf(sentence), sentence }));
    return { config: null, problems };
  }
}

/** Problems and warnings begin with their variable. A secret's variable may end in `_FILE`. */
export function variableOf(sentence: string): string {
  const [name = ""] = /^\w+/.exec(sentence) ?? [];
  return Object.hasOwn(settings, name) ? name : name.replace(/_FILE$/, "");
}

function withRelated(variable: string): readonly string[] {
  return relatedSettings.find((group) => group.includes(variable)) ?? [variable];
}

function without(environment: Environment, broken: ReadonlySet<string>): Environment {
  const isUsable = (name: string) => !broken.has(name) && !broken.has(name.replace(/_FILE$/, ""));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isUsable(name)));
}
