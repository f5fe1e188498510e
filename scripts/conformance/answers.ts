import type { Answer } from "../client/signed-client.ts";
import { parseJson } from "../parse-json.ts";
import { Deviation, NotJudged, Variant } from "./case.ts";
import { isClientError, type Site } from "./site.ts";

/**
 * The requirements of the contract on answers. Every `expect` function throws `Deviation` or `Variant` if the answer
 * differs.
 */

const shownCharactersMax = 120;

/** Describes an answer in a few words, without the values that a successful one may contain. */
export function describeAnswer({ status, headers, body }: Answer): string {
  if (body === "") return `HTTP ${status} with an empty body`;
  if (status >= 400) return `HTTP ${status} ${body.slice(0, shownCharactersMax)}`;
  if (status >= 300) return `HTTP ${status} to ${headers.get("location") ?? "nowhere"}`;
  const json = parseObject(body);
  if (json === null) return `HTTP ${status} with a body that is no JSON object`;
  if ("errorCode" in json) return `HTTP ${status} ${JSON.stringify(json).slice(0, shownCharactersMax)}`;
  return `HTTP ${status} with a JSON object of ${Object.keys(json).join(", ") || "nothing"}`;
}

/** Returns the deviation of an answer from what was expected. */
export function unexpected(expected: string, answer: Answer): Deviation {
  return new Deviation(`Expected ${expected}, got ${describeAnswer(answer)}.`, answer);
}

export function expectStatus(answer: Answer, ...statuses: readonly number[]): void {
  if (statuses.includes(answer.status)) return;
  throw unexpected(`HTTP ${statuses.join(" or ")}`, answer);
}

/** Returns whether a lookup or a set succeeded. */
export function isDone({ status }: Answer): boolean {
  return status === 200 || status === 204;
}

/** Returns whether the body of a 200 says that there is no such user, as in OwnID's code samples. */
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

/** Expects the same answer as for a login id that no user has. The profile basic judges that answer itself. */
export function expectNobody(answer: Answer, unknown: Answer): void {
  const isAlike = answer.status === unknown.status && (answer.status !== 200 || answer.body === unknown.body);
  if (isAlike) return;
  throw unexpected(`${describeAnswer(unknown)}, as for any unknown login id`, answer);
}

/** Expects that a request without a valid signature was refused. */
export function expectRefused(answer: Answer): void {
  if (answer.status === 401) return;
  if (answer.status === 400 || answer.status === 403) {
    throw new Variant(`Refused with HTTP ${answer.status}; OwnID's own examples answer HTTP 401.`, answer);
  }
  throw unexpected("HTTP 401", answer);
}

/** Expects that a valid signature was accepted, whatever the endpoint answered to the request itself. */
export function expectAccepted(answer: Answer): void {
  if (![400, 401, 403].includes(answer.status)) return;
  throw new Deviation(`The signature is valid, and yet it was refused: ${describeAnswer(answer)}.`, answer);
}

/** Expects that an invalid request with a valid signature was refused, and did not make the server fail. */
export function expectRejected(answer: Answer): void {
  if (isErrorCode404(answer) || isClientError(answer)) return;
  throw unexpected("HTTP 400", answer);
}

/** Returns the data in the answer to a lookup. `null` means no data. */
export function readOwnIdData(answer: Answer): string | null {
  if (answer.status === 204) return null;
  expectStatus(answer, 200, 204);
  const ownIdData = parseObject(answer.body)?.ownIdData;
  if (typeof ownIdData === "string") return ownIdData === "" ? null : ownIdData;
  throw unexpected(`{"ownIdData":"…"} with a text`, answer);
}

/** Sets the data of the test user, and returns it once the server has confirmed that it is stored. */
export async function store(site: Site, value = site.newValue()): Promise<string> {
  expectStatus(await site.set(value), 200, 204);
  return value;
}

/**
 * Expects that a lookup of the test user returns exactly this. Other cases judge a lookup that returns an older value.
 */
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

/** Expects a session, which OwnID passes on to the pages of the site. */
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

/** Parses a JSON object. Returns `null` if the text is not one. */
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
