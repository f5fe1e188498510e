import type { Answer } from "../client/signed-client.ts";
import { parseJson } from "../parse-json.ts";
import { Deviation, NotJudged, Variant } from "./case.ts";
import { isClientError, type Site } from "./site.ts";

/** What the contract asks of an answer. Every function throws `Deviation` or `Variant` where the answer differs. */

const shownCharactersMax = 120;

/** An answer in a few words, without the values that a success may carry. */
export function describeAnswer({ status, headers, body }: Answer): string {
  if (body === "") return `HTTP ${status} with an empty body`;
  if (status >= 400) return `HTTP ${status} ${body.slice(0, shownCharactersMax)}`;
  if (status >= 300) return `HTTP ${status} to ${headers.get("location") ?? "nowhere"}`;
  const json = parseObject(body);
  if (json === null) return `HTTP ${status} with a body that is no JSON object`;
  if ("errorCode" in json) return `HTTP ${status} ${JSON.stringify(json).slice(0, shownCharactersMax)}`;
  return `HTTP ${status} with a JSON object of ${Object.keys(json).join(", ") || "nothing"}`;
}

/** The deviation of an answer from what the contract says. */
export function unexpected(expected: string, answer: Answer): Deviation {
  return new Deviation(`Expected ${expected}, got ${describeAnswer(answer)}.`, answer);
}

export function expectStatus(answer: Answer, ...statuses: readonly number[]): void {
  if (statuses.includes(answer.status)) return;
  throw unexpected(`HTTP ${statuses.join(" or ")}`, answer);
}

/** Whether a 200 says in its body that there is no such user, as OwnID's code samples do. */
export function isErrorCode404({ status, body }: Answer): boolean {
  return status === 200 && parseObject(body)?.errorCode === 404;
}

export function expectUnknownUser(answer: Answer): void {
  if (answer.status === 404) return;
  if (isErrorCode404(answer)) {
    throw new Variant(
      'Got HTTP 200 {"errorCode":404}. OwnID\'s code samples answer this; its API reference says HTTP 404. ' +
        "The sidecar does it with COMPAT_ERROR_CODE_404=true.",
      answer,
    );
  }
  throw unexpected("HTTP 404", answer);
}

/** That a login id was answered like one that no user has; how that is answered is the profile basic's business. */
export function expectNobody(answer: Answer, unknown: Answer): void {
  const isAlike = answer.status === unknown.status && (answer.status !== 200 || answer.body === unknown.body);
  if (isAlike) return;
  throw unexpected(`${describeAnswer(unknown)}, as for any unknown login id`, answer);
}

/** That a request without a valid signature was refused. */
export function expectRefused(answer: Answer): void {
  if (answer.status === 401) return;
  if (answer.status === 400 || answer.status === 403) {
    throw new Variant(`Refused with HTTP ${answer.status}; OwnID's own examples answer HTTP 401.`, answer);
  }
  throw unexpected("HTTP 401", answer);
}

/** That a valid signature was accepted, whatever the endpoint then made of the request. */
export function expectAccepted(answer: Answer): void {
  if (![400, 401, 403].includes(answer.status)) return;
  throw new Deviation(`The signature is valid, and yet it was refused: ${describeAnswer(answer)}.`, answer);
}

/** That a signed request that makes no sense was refused without a crash. */
export function expectRejected(answer: Answer): void {
  if (isErrorCode404(answer) || isClientError(answer)) return;
  throw unexpected("HTTP 400", answer);
}

/** Returns what a lookup answered; `null` is no data. */
export function readOwnIdData(answer: Answer): string | null {
  if (answer.status === 204) return null;
  expectStatus(answer, 200, 204);
  const ownIdData = parseObject(answer.body)?.ownIdData;
  if (typeof ownIdData === "string") return ownIdData === "" ? null : ownIdData;
  throw unexpected(`{"ownIdData":"…"} with a text`, answer);
}

/** Sets the data of the test user, and returns it once the server has said that it is stored. */
export async function store(site: Site, value = site.newValue()): Promise<string> {
  expectStatus(await site.set(value), 200, 204);
  return value;
}

/** That a lookup of the test user answers exactly this; an older value is another case's business. */
export async function expectStored(site: Site, expected: string | null): Promise<void> {
  const found = readOwnIdData(await site.get());
  if (found === expected) return;
  if (site.wasEarlier(found)) {
    throw new NotJudged(
      "The lookup still answered an older value; the cases of the profile fresh judge that.",
    );
  }
  throw new Deviation(`The lookup answered another text than was set${differenceOf(expected, found)}.`);
}

/** That a session was answered: OwnID passes what it is on to the site's pages. */
export function expectSession(answer: Answer): void {
  expectStatus(answer, 200);
  const json = parseObject(answer.body);
  if (json === null && (parseJson(answer.body) ?? null) !== null) {
    throw new Variant(
      "The session is JSON, but no object. OwnID's documentation speaks of an object.",
      answer,
    );
  }
  if (json === null || Object.keys(json).length === 0 || isErrorCode404(answer)) {
    throw unexpected("a JSON object with the session", answer);
  }
}

/** Returns the JSON object that the text is, or `null` if it is something else. */
export function parseObject(body: string): Record<string, unknown> | null {
  const parsed = parseJson(body);
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : null;
}

function differenceOf(expected: string | null, found: string | null): string {
  if (expected === null) return ": the data should have been empty";
  if (found === null) return ": nothing at all";
  if (found.length !== expected.length) {
    return `: ${found.length} characters instead of ${expected.length}`;
  }
  const at = [...expected].findIndex((_, index) => expected[index] !== found[index]);
  return `: it differs at character ${at + 1}`;
}
