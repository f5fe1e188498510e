import { createHmac, timingSafeEqual } from "node:crypto";

/** A fault of hand-written implementations of the three endpoints. Several are in OwnID's published samples. */
export type Fault =
  | "checks no signature"
  | "accepts any timestamp"
  | "answers 200 for an unknown user"
  | "answers an error code for an unknown user"
  | "crashes on a user without data"
  | "answers null for a user without data"
  | "drops the connection on a user without data"
  | "caches lookups for a minute"
  | "fills a cache with what it read before a set"
  | "stores data and then fails"
  | "trims data"
  | "makes unknown users"
  | "redirects";

export interface EndpointsOptions {
  readonly faults?: readonly Fault[];
  /** The data of each user by login id; `null` means none. */
  readonly users?: Readonly<Record<string, string | null>>;
  /** How long each answer takes. */
  readonly delayMs?: number;
}

export const endpointsSecret = Buffer.from("a shared secret of thirty-two b.");
const windowMs = 60_000;
const cacheMs = 60_000;
/** How long a read of the database takes, so that a set can overtake it. */
const readMs = 5;

type Answer = readonly [status: number, body?: Readonly<Record<string, unknown>>] | "dropped";

/**
 * Starts the three endpoints as a small team would write them, with the named faults and no other. They do not remember
 * signatures, because OwnID's contract does not require it.
 */
export function startEndpoints({
  faults = [],
  users = { "sol@testmail.com": null },
  delayMs = 0,
}: EndpointsOptions = {}) {
  const has = (fault: Fault) => faults.includes(fault);
  const table = new Map(Object.entries(users));
  const cache = new Map<string, { value: string | null; until: number }>();
  const seen = { requests: 0 };

  function unknown(): Answer {
    if (has("answers 200 for an unknown user")) return [200, {}];
    return has("answers an error code for an unknown user") ? [200, { errorCode: 404 }] : [404];
  }

  async function find(loginId: string): Promise<string | null> {
    const cached = cache.get(loginId);
    if (cached !== undefined && Date.now() < cached.until) return cached.value;
    const value = table.get(loginId) ?? null;
    if (has("fills a cache with what it read before a set")) await Bun.sleep(readMs);
    if (faults.some((fault) => fault.includes("cache"))) {
      cache.set(loginId, { value, until: Date.now() + cacheMs });
    }
    return value;
  }

  async function get(loginId: string): Promise<Answer> {
    const value = await find(loginId);
    if (value) return [200, { ownIdData: value }];
    if (has("answers null for a user without data")) return [200, { ownIdData: null }];
    if (has("drops the connection on a user without data")) return "dropped";
    if (has("crashes on a user without data")) throw new TypeError("Cannot read properties of null");
    return [204];
  }

  function set(loginId: string, ownIdData: unknown): Answer {
    if (typeof ownIdData !== "string") return [400];
    if (has("fills a cache with what it read before a set")) cache.delete(loginId);
    table.set(loginId, has("trims data") ? ownIdData.trim() : ownIdData);
    return has("stores data and then fails") ? [500] : [204];
  }

  function answer(endpoint: string, body: Readonly<Record<string, unknown>>): Answer | Promise<Answer> {
    const { loginId, ownIdData } = body;
    if (typeof loginId !== "string" || loginId === "" || loginId.length > 320) return [400];
    const isSet = endpoint === "setOwnIDDataByLoginId";
    if (!table.has(loginId) && !(isSet && has("makes unknown users"))) return unknown();
    if (isSet) return set(loginId, ownIdData);
    return endpoint === "getOwnIDDataByLoginId" ? get(loginId) : [200, { token: `token of ${loginId}` }];
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    maxRequestBodySize: 65_536,
    async fetch(request) {
      seen.requests += 1;
      if (delayMs > 0) await Bun.sleep(delayMs);
      if (has("redirects"))
        return Response.redirect(`http://127.0.0.1:1${new URL(request.url).pathname}`, 307);
      const endpoint = new URL(request.url).pathname.replace(/\/$/, "").split("/").at(-1) ?? "";
      if (!/^(?:[sg]etOwnIDData|getSession)ByLoginId$/.test(endpoint)) return respond([404]);
      if (request.method !== "POST") return respond([405]);
      if (!/^application\/json\b/.test(request.headers.get("content-type") ?? "")) return respond([415]);
      const bytes = await request.bytes();
      if (!has("checks no signature") && !isSigned(request.headers, bytes, has("accepts any timestamp"))) {
        return respond([401]);
      }
      const body = parse(bytes);
      return respond(body === null ? [400] : await answer(endpoint, body));
    },
    error: () => respond([500]),
  });

  return {
    baseUrl: `http://127.0.0.1:${server.port}/api`,
    seen,
    read: (loginId: string) => table.get(loginId),
    /** Ends the server while clients are still using it. */
    breakDown: () => server.stop(true),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function isSigned(headers: Headers, body: Uint8Array, acceptsAnyTimestamp: boolean): boolean {
  const timestamp = headers.get("ownid-timestamp") ?? "";
  const expected = createHmac("sha256", endpointsSecret)
    .update(body)
    .update(`.${timestamp}`)
    .digest("base64");
  const [given, right] = [Buffer.from(headers.get("ownid-signature") ?? ""), Buffer.from(expected)];
  const isInWindow = acceptsAnyTimestamp || Math.abs(Date.now() - Number(timestamp)) <= windowMs;
  return isInWindow && given.length === right.length && timingSafeEqual(given, right);
}

function parse(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : null;
  } catch {
    return null;
  }
}

function respond(answer: Answer): Response {
  if (answer === "dropped") return new Response(new ReadableStream({ pull: (body) => body.error() }));
  const [status, body] = answer;
  const headers = { "cache-control": "no-store" };
  return body === undefined
    ? new Response(null, { status, headers })
    : Response.json(body, { status, headers });
}
