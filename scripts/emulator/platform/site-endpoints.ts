import { type Endpoint, endpoints } from "../../client/endpoints.ts";
import { parseJson } from "../../parse-json.ts";
import { type IntegrationScope, RequestFailed } from "../api/failure.ts";
import type { SessionAnswer } from "../api/platform-api.ts";
import type { WireCall } from "../api/wire-api.ts";
import type { CallSite } from "../wire/caller.ts";

/**
 * Calls the site's three endpoints and interprets their answers. `reason` explains the call in the log.
 *
 * @throws {RequestFailed} by every method: `user_not_found` | `user_blocked` | `integration_error`, also if no answer came
 */
export interface SiteEndpoints {
  /** Returns `null` if the user has no data. */
  getOwnIdData(loginId: string, reason: string): Promise<string | null>;
  setOwnIdData(loginId: string, ownIdData: string, reason: string): Promise<void>;
  getSession(loginId: string, sessionType: string, reason: string): Promise<SessionAnswer>;
}

/** Calls `onUser` with each login id that the site knows. */
export function createSiteEndpoints(callSite: CallSite, onUser: (loginId: string) => void): SiteEndpoints {
  async function call(endpoint: Endpoint, content: Content, reason: string): Promise<SiteAnswer> {
    const answer = readAnswer(await callSite(endpoint, content, reason));
    onUser(content.loginId);
    return answer;
  }

  return {
    async getOwnIdData(loginId, reason) {
      const answer = await call(endpoints.get, { loginId }, reason);
      if (answer.status === 204) return null;
      const { ownIdData } = asRecord(answer.content);
      if (typeof ownIdData === "string") return ownIdData === "" ? null : ownIdData;
      throw unexpected(endpoints.get, "answered 200 without a text `ownIdData`.");
    },

    async setOwnIdData(loginId, ownIdData, reason) {
      await call(endpoints.set, { loginId, ownIdData }, reason);
    },

    async getSession(loginId, sessionType, reason) {
      const { content } = await call(endpoints.session, { loginId, sessionType }, reason);
      if (content !== undefined) return content;
      throw unexpected(endpoints.session, "answered without a session.");
    },
  };
}

type Content = Readonly<Record<string, unknown>> & { readonly loginId: string };

interface SiteAnswer {
  readonly status: number;
  /** `undefined` = the body is empty or not JSON. */
  readonly content: unknown;
}

function readAnswer({ endpoint, answer, failure }: WireCall): SiteAnswer {
  if (answer === null) throw unexpected(endpoint, `gave no answer. ${failure}`);
  const { status, body } = answer;
  const content = parseJson(body);
  const { code, errorCode } = asRecord(content);
  // OwnID's samples answer an unknown user with 200 and an errorCode.
  if (errorCode === 404 || (status === 404 && code !== "ERR_PATH_UNKNOWN")) {
    throw new RequestFailed("user_not_found", "The site has no user with this login id.");
  }
  if (status === 423) throw new RequestFailed("user_blocked", "The site says that this user is blocked.");
  if (status === 200 || status === 204) return { status, content };
  throw unexpected(endpoint, `answered ${status}${typeof code === "string" ? ` (${code})` : ""}.`);
}

function unexpected(endpoint: Endpoint, what: string): RequestFailed {
  return new RequestFailed("integration_error", `The site's ${endpoint} ${what}`, scopes[endpoint]);
}

const scopes: Readonly<Record<Endpoint, IntegrationScope>> = {
  [endpoints.get]: "data",
  [endpoints.set]: "data",
  [endpoints.session]: "session",
};

function asRecord(content: unknown): Readonly<Record<string, unknown>> {
  return typeof content === "object" && content !== null ? { ...content } : {};
}
