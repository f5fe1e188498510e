import { type Action, endpoints } from "../client/endpoints.ts";
import { NoAnswer } from "../client/no-answer.ts";
import { type Answer, type Content, macOf, type SignedRequest } from "../client/signed-client.ts";
import { newStranger, newTestData } from "./test-data.ts";
import type { Wire } from "./wire.ts";

/** The server under test, as the cases see it. */
export interface Site {
  /** The login id of the test user. */
  readonly user: string;
  /** The login id of a user whom the site has blocked, or `null`. */
  readonly blockedUser: string | null;
  /** The second shared secret, which is live during a rotation, or `null`. */
  readonly secondSecret: Uint8Array | null;
  /**
   * Returns a validly signed request. Its timestamp lies `ageMs` in the past, or in the future if that is negative.
   */
  request(action: Action, content: Content, ageMs?: number): SignedRequest;
  /** Returns a validly signed lookup of the test user. `ageMs` has the same meaning as in `request`. */
  lookUp(ageMs?: number): SignedRequest;
  /** Returns a validly signed session request of the test user with `sessionType` `browser`. */
  logIn(): SignedRequest;
  /** Returns the request, signed with this secret instead. */
  signWith(request: SignedRequest, secret: Uint8Array): SignedRequest;
  /** Returns the request, addressed to another of the three endpoints. */
  at(request: SignedRequest, action: Action): SignedRequest;
  /** @throws {NoAnswer} | {Stopped} */
  send(request: SignedRequest): Promise<Answer>;
  get(loginId?: string): Promise<Answer>;
  set(ownIdData: string, loginId?: string): Promise<Answer>;
  /** Requests a session. The default of `fields` is the `sessionType` `browser`. */
  session(fields?: Readonly<Record<string, unknown>>, loginId?: string): Promise<Answer>;
  /** Returns a value that has never been written before. */
  newValue(): string;
  /** Returns a login id that no user has. */
  newStranger(): string;
  /** Returns whether the test user may have had this value at some time during the run. `null` means no data. */
  wasEarlier(value: string | null): boolean;
}

export interface SiteOptions {
  readonly wire: Pick<Wire, "sign" | "send">;
  readonly user: string;
  readonly blockedUser: string | null;
  readonly secondSecret: Uint8Array | null;
  /** The data of the user when the run began, or `null`. */
  readonly initialValue: string | null;
}

/** A site that also knows whether the run may have changed the test user's data. */
export interface ObservedSite extends Site {
  hasWritten(): boolean;
  /** Returns whether this run has invented the value. */
  isOurs(value: string): boolean;
}

export function createSite(options: SiteOptions): ObservedSite {
  const { wire, user, blockedUser, secondSecret, initialValue } = options;
  const sent = new Set<string | null>([initialValue]);
  let hasWritten = false;

  function request(action: Action, content: Content, ageMs = 0): SignedRequest {
    if (ageMs === 0) return wire.sign(endpoints[action], content);
    return wire.sign(endpoints[action], content, String(Date.now() - ageMs));
  }

  async function send(signed: SignedRequest): Promise<Answer> {
    const isSet = signed.url.includes(endpoints.set);
    try {
      const answer = await wire.send(signed);
      if (isSet && !isClientError(answer)) hasWritten = true;
      return answer;
    } catch (error) {
      if (isSet && error instanceof NoAnswer) hasWritten = true;
      throw error;
    }
  }

  return {
    user,
    blockedUser,
    secondSecret,
    request,
    lookUp: (ageMs = 0) => request("get", { loginId: user }, ageMs),
    logIn: () => request("session", { loginId: user, sessionType: "browser" }),
    send,
    signWith(signed, secret) {
      const timestamp = signed.headers["ownid-timestamp"] ?? "";
      return withHeaders(signed, { "ownid-signature": macOf(signed.body, timestamp, secret) });
    },
    at: (signed, action) => ({ ...signed, url: signed.url.replace(/[^/]+$/, endpoints[action]) }),
    get: (loginId = user) => send(request("get", { loginId })),
    set(ownIdData, loginId = user) {
      sent.add(ownIdData === "" ? null : ownIdData);
      return send(request("set", { loginId, ownIdData }));
    },
    session: (fields = { sessionType: "browser" }, loginId = user) =>
      send(request("session", { loginId, ...fields })),
    newValue() {
      const value = newTestData();
      sent.add(value);
      return value;
    },
    newStranger,
    wasEarlier: (value) => sent.has(value),
    hasWritten: () => hasWritten,
    isOurs: (value) => value !== initialValue && sent.has(value),
  };
}

/**
 * Returns whether the status blames the caller (4xx). Only such a status shows that nothing was written, because a
 * server that fails with 5xx may have written before.
 */
export function isClientError({ status }: Answer): boolean {
  return status >= 400 && status < 500;
}

export function withHeaders(
  request: SignedRequest,
  headers: Readonly<Record<string, string>>,
): SignedRequest {
  return { ...request, headers: { ...request.headers, ...headers } };
}

export function withoutHeader(request: SignedRequest, name: string): SignedRequest {
  const { [name]: _, ...headers } = request.headers;
  return { ...request, headers };
}

export function withBody(request: SignedRequest, body: string | Uint8Array): SignedRequest {
  return { ...request, body: typeof body === "string" ? new TextEncoder().encode(body) : body };
}
