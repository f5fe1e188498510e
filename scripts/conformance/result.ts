import { curlCommand } from "../client/curl-command.ts";
import type { Answer } from "../client/signed-client.ts";
import { countText } from "../quantities.ts";
import { type Level, type Profile, profiles } from "./case.ts";
import type { Redact } from "./redact.ts";
import type { Exchange } from "./wire.ts";

/**
 * `fail` means that a must does not hold, and `warn` that a should does not hold. `note` means that a may does not
 * hold, or that the server does something else that OwnID's sources provide for. `skip` means that the case could not
 * be judged.
 */
export type Outcome = "pass" | "fail" | "warn" | "note" | "skip";

/** All outcomes, the gravest first. */
export const outcomes: readonly Outcome[] = ["fail", "warn", "note", "skip", "pass"];

export interface CaseResult {
  readonly id: string;
  readonly profile: Profile;
  readonly level: Level;
  readonly contract: string;
  readonly hint: string;
  readonly outcome: Outcome;
  /** Why the outcome is not `pass`. It is empty if it is. */
  readonly found: string;
  /** The answer that decided the outcome, or `null` if there is no such single answer. */
  readonly decisive: Answer | null;
  readonly durationMs: number;
  readonly exchanges: readonly Exchange[];
}

/** One request and its answer as a report shows them. It contains no secrets and no long texts. */
export interface ShownExchange {
  readonly method: string;
  readonly url: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  /** `null` if no answer came. */
  readonly status: number | null;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly responseBody: string;
  readonly failure: string;
  readonly durationMs: number;
  /** The curl command that sends the same request again, or `null` if the request is too long to be shown. */
  readonly curl: string | null;
  /** Whether this is the answer that decided the case. */
  readonly isDecisive: boolean;
}

export interface ShownCase extends Omit<CaseResult, "exchanges" | "decisive"> {
  readonly exchanges: readonly ShownExchange[];
  /** The number of all exchanges, of which not all may be shown. */
  readonly exchangesInAll: number;
}

export interface Report {
  readonly target: string;
  readonly user: string;
  /** The host that `--i-own-this-host` named, or `null`. */
  readonly ownedHost: string | null;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly profiles: readonly Profile[];
  /** Whether every case was run, no must failed, and the user's data was restored. */
  readonly conforms: boolean;
  /** Why the run ended before its last case, or `null`. */
  readonly stopped: string | null;
  /** What to do if the user's data could not be restored; otherwise `null`. */
  readonly notRestored: string | null;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly cases: readonly ShownCase[];
}

export interface ReportInput
  extends Pick<Report, "target" | "user" | "ownedHost" | "stopped" | "notRestored"> {
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly results: readonly CaseResult[];
  readonly redact: Redact;
}

/** The maximum number of exchanges that are shown for a case, since a person has to read them. */
const exchangesShownMax = 25;

export function makeReport({ results, redact, startedAt, ...facts }: ReportInput): Report {
  const cases = results.map((result) => showCase(result, redact));
  const counts = countOutcomes(cases);
  return {
    ...facts,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(facts.durationMs),
    profiles: profiles.filter((profile) => cases.some((shown) => shown.profile === profile)),
    conforms: counts.fail === 0 && facts.stopped === null && facts.notRestored === null,
    counts,
    cases,
  };
}

function showCase({ decisive, exchanges, ...result }: CaseResult, redact: Redact): ShownCase {
  const deciding = exchanges.find(({ answer }) => answer !== null && answer === decisive) ?? exchanges.at(-1);
  // The deciding exchange is shown with those before it, which explain it.
  const end = Math.max(exchangesShownMax, deciding === undefined ? 0 : exchanges.indexOf(deciding) + 1);
  return {
    ...result,
    found: redact.text(result.found),
    durationMs: Math.round(result.durationMs),
    exchanges: exchanges
      .slice(Math.max(0, end - exchangesShownMax), end)
      .map((exchange) => showExchange(exchange, exchange === deciding, redact)),
    exchangesInAll: exchanges.length,
  };
}

const bodyCharactersMax = 2000;

function showExchange(exchange: Exchange, isDecisive: boolean, redact: Redact): ShownExchange {
  const { request, answer, failure, durationMs } = exchange;
  const { method, url, headers, body } = request;
  const isShort = body.length <= bodyCharactersMax;
  const sent = method === "GET" ? "" : new TextDecoder().decode(body.subarray(0, bodyCharactersMax));
  return {
    method,
    url,
    requestHeaders: headers,
    requestBody: isShort ? sent : `${sent}… (${countText(body.length)} bytes)`,
    status: answer?.status ?? null,
    responseHeaders: answer === null ? {} : redact.headers(answer.headers),
    responseBody: answer === null ? "" : cut(redact.body(answer.status, answer.body)),
    failure: redact.text(failure),
    durationMs: Math.round(durationMs * 10) / 10,
    curl: isShort ? curlCommand(request) : null,
    isDecisive,
  };
}

function cut(text: string): string {
  if (text.length <= bodyCharactersMax) return text;
  return `${text.slice(0, bodyCharactersMax)}… (${countText(text.length)} characters)`;
}

export function casesOf(profile: Profile, { cases }: Pick<Report, "cases">): readonly ShownCase[] {
  return cases.filter((shown) => shown.profile === profile);
}

export function countOutcomes(cases: readonly Pick<ShownCase, "outcome">[]): Record<Outcome, number> {
  const counts = { fail: 0, warn: 0, note: 0, skip: 0, pass: 0 };
  for (const { outcome } of cases) counts[outcome] += 1;
  return counts;
}

/** Returns one line per header, as HTTP writes them. */
export function headerLines(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}
