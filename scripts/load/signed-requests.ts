import { signMessage } from "../../src/protocol/signature.ts";
import { type Action, endpoints } from "../client/endpoints.ts";
import type { LoginIds } from "./login-ids.ts";

/** How often each endpoint is called, relative to the others. */
export type Mix = Readonly<Record<Action, number>>;

export interface SignedRequest {
  readonly endpoint: Action;
  /** The complete HTTP/1.1 message. */
  readonly bytes: Buffer;
}

export interface SignedRequestsOptions {
  /** The value of the Host header. */
  readonly host: string;
  readonly basePath: string;
  readonly sharedSecret: Uint8Array;
  readonly mix: Mix;
  readonly loginIds: LoginIds;
  readonly valueBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns a uniform number in [0, 1). */
  readonly random: () => number;
}

export interface SignedRequests {
  /** Returns the next request of the mix. It is signed for this instant and must be sent at once. */
  next(): SignedRequest;
  /** Returns a lookup of the first login id. */
  first(): SignedRequest;
}

/** Whitespace that JSON allows after a value. */
const blanks = [" ", "\t", "\r", "\n"] as const;
const counterDigits = 12;

/**
 * Creates requests that are signed as OwnID signs them. No two have the same signature, and no two `set` requests write
 * the same value.
 */
export function createSignedRequests(options: SignedRequestsOptions): SignedRequests {
  const { host, basePath, sharedSecret, mix, loginIds, valueBytes, now, random } = options;
  const fresh = createFreshness(now);
  const filler = createFiller(valueBytes - counterDigits, random);
  const total = mix.get + mix.set + mix.session;
  let sets = 0;

  function choose(): Action {
    const drawn = random() * total;
    if (drawn < mix.get) return "get";
    return drawn < mix.get + mix.set ? "set" : "session";
  }

  function contentOf(endpoint: Action, loginId: string) {
    if (endpoint === "get") return { loginId };
    // OwnID sends the type. It also makes the body differ from that of a lookup, which would have the same signature.
    if (endpoint === "session") return { loginId, sessionType: "browser" };
    sets += 1;
    return { loginId, ownIdData: sets.toString(36).padStart(counterDigits, "0") + filler };
  }

  function make(endpoint: Action, loginId: string): SignedRequest {
    const { timestamp, mark } = fresh();
    const body = JSON.stringify(contentOf(endpoint, loginId)) + mark;
    const head = [
      `POST ${basePath}/${endpoints[endpoint]} HTTP/1.1`,
      `Host: ${host}`,
      "User-Agent: ownid-sidecar-loadtest",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      `ownid-signature: ${signMessage(body, timestamp, sharedSecret)}`,
      `ownid-timestamp: ${timestamp}`,
    ].join("\r\n");
    return { endpoint, bytes: Buffer.from(`${head}\r\n\r\n${body}`) };
  }

  return {
    next: () => make(choose(), loginIds.at(Math.floor(random() * loginIds.count))),
    first: () => make("get", loginIds.at(0)),
  };
}

/**
 * Equal bodies with equal timestamps have equal signatures, which the replay guard would refuse. Requests of the same
 * millisecond therefore differ in the whitespace after the JSON: the first has none, the second has one character, and
 * the first twenty have at most two. If the clock is set back, the timestamp stays the same until the clock has caught
 * up.
 */
function createFreshness(now: () => number): () => { timestamp: string; mark: string } {
  let millisecond = 0;
  let timestamp = "0";
  let before = 0;
  return () => {
    const current = Math.max(now(), millisecond);
    before = current === millisecond ? before + 1 : 0;
    if (current !== millisecond) {
      millisecond = current;
      timestamp = String(current);
    }
    return { timestamp, mark: markOf(before) };
  };
}

/**
 * Writes a number in base 4 without a zero digit, so that each number has a different mark: 0 is empty, and 1 to 4 take
 * one character.
 */
function markOf(number: number): string {
  let mark = "";
  for (let rest = number; rest > 0; rest = Math.floor((rest - 1) / blanks.length)) {
    mark += blanks[(rest - 1) % blanks.length];
  }
  return mark;
}

function createFiller(length: number, random: () => number): string {
  return Array.from({ length }, () => Math.floor(random() * 36).toString(36)).join("");
}
