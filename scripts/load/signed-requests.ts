import { signMessage } from "../../src/protocol/signature.ts";
import { endpoints as paths } from "../client/endpoints.ts";
import type { LoginIds } from "./login-ids.ts";

export const endpoints = ["get", "set", "session"] as const;

export type Endpoint = (typeof endpoints)[number];

/** How often each endpoint is called, relative to the others. */
export type Mix = Readonly<Record<Endpoint, number>>;

export interface SignedRequest {
  readonly endpoint: Endpoint;
  /** The whole HTTP/1.1 message. */
  readonly bytes: Buffer;
}

export interface SignedRequestsOptions {
  /** What the Host header says. */
  readonly host: string;
  readonly basePath: string;
  readonly sharedSecret: Uint8Array;
  readonly mix: Mix;
  readonly loginIds: LoginIds;
  readonly valueBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface SignedRequests {
  /** The next request of the mix, signed for this instant: send it at once. */
  next(): SignedRequest;
  /** A lookup of the first login id. */
  first(): SignedRequest;
}

/** The characters that JSON allows behind a value and that mean nothing. */
const blanks = [" ", "\t", "\r", "\n"] as const;
const counterDigits = 12;

/** Makes requests as OwnID signs them. No two have the same signature, and no two `set` the same value. */
export function createSignedRequests(options: SignedRequestsOptions): SignedRequests {
  const { host, basePath, sharedSecret, mix, loginIds, valueBytes, now, random } = options;
  const fresh = createFreshness(now);
  const filler = createFiller(valueBytes - counterDigits, random);
  const total = mix.get + mix.set + mix.session;
  let sets = 0;

  function choose(): Endpoint {
    const drawn = random() * total;
    if (drawn < mix.get) return "get";
    return drawn < mix.get + mix.set ? "set" : "session";
  }

  function contentOf(endpoint: Endpoint, loginId: string) {
    if (endpoint === "get") return { loginId };
    // OwnID sends the type; it also tells the request from a lookup, whose signature would be the same.
    if (endpoint === "session") return { loginId, sessionType: "browser" };
    sets += 1;
    return { loginId, ownIdData: sets.toString(36).padStart(counterDigits, "0") + filler };
  }

  function make(endpoint: Endpoint, loginId: string): SignedRequest {
    const { timestamp, mark } = fresh();
    const body = JSON.stringify(contentOf(endpoint, loginId)) + mark;
    const head = [
      `POST ${basePath}/${paths[endpoint]} HTTP/1.1`,
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
 * Equal bodies with equal timestamps have equal signatures, which the replay guard takes for copies. So requests
 * of one millisecond differ by what stands behind the JSON: the second has one blank, and so on, two characters
 * at most for the first twenty. A clock that is set back stands still here until it has caught up.
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

/** Numbers in base 4 without a zero, so that each has a mark of its own: 0 is empty, 1 to 4 one character. */
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
