import { codeOf } from "../error-code.ts";
import { type SessionProviderFault, SessionProviderUnavailable, UserBlocked } from "../errors.ts";
import { webhookHeaders } from "./standard-webhooks.ts";

export interface SiteEndpointOptions {
  /** `SESSION_URL`. */
  readonly url: string;
  /** How long the site may take to answer as a whole. */
  readonly timeoutMs: number;
  /** Asked for each request, because the file of the secrets may change. */
  readonly secrets: () => readonly Uint8Array[];
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/**
 * Posts a message, signed according to Standard Webhooks, and returns the body of the answer as it came, which is a JSON
 * object. A message that failed is not sent again.
 *
 * @throws {SessionProviderUnavailable} there is no such answer
 * @throws {UserBlocked} the site answered 423
 */
export type PostToSite = (message: object) => Promise<string>;

const answerBytesMax = 16_384;
const locked = 423;
/** Invalid UTF-8 is refused. A byte order mark is not valid JSON. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The errors of a connection that was never made: nothing can have been sent. */
const neverConnected: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
/** The errors of a certificate that does not hold. It is checked before anything is sent. */
const certificateRefused = /CERT|SIGNATURE|ALTNAME|ISSUER|HOSTNAME_MISMATCH/;

export function createSiteEndpoint({ url, timeoutMs, secrets, now }: SiteEndpointOptions): PostToSite {
  async function send(message: object): Promise<Response> {
    const body = JSON.stringify(message);
    const id = `msg_${crypto.randomUUID()}`;
    const signed = webhookHeaders({ id, timestamp: Math.floor(now() / 1000), body }, secrets());
    return await fetch(url, {
      method: "POST",
      headers: { ...signed, "content-type": "application/json", "accept-encoding": "identity" },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      // The names of users go to the site, and to no proxy that the environment names for other purposes.
      proxy: false,
      tls: { rejectUnauthorized: true },
    });
  }

  return async (message) => {
    let wasAnswered = false;
    try {
      const response = await send(message);
      wasAnswered = true;
      return await readAnswer(response);
    } catch (error) {
      if (error instanceof SessionProviderUnavailable || error instanceof UserBlocked) throw error;
      throw explain(error, wasAnswered, timeoutMs);
    }
  };
}

/** Returns the body of a success. The body of any other answer is left unread, which closes the connection. */
async function readAnswer(response: Response): Promise<string> {
  const { status, ok } = response;
  if (ok) return jsonObjectIn(await readBytes(response));
  await response.body?.cancel();
  if (status === locked) throw new UserBlocked();
  if (status >= 300 && status < 400)
    throw new SessionProviderUnavailable(
      "redirect",
      `the site answers ${status}, and redirects are not followed`,
    );
  throw new SessionProviderUnavailable("other status", `the site answers ${status}`);
}

async function readBytes(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax)
      throw new SessionProviderUnavailable("too large", `the site answers more than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

function jsonObjectIn(bytes: Uint8Array): string {
  try {
    const text = utf8.decode(bytes);
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return text;
  } catch {
    // The bytes are not JSON in UTF-8.
  }
  throw new SessionProviderUnavailable(
    "not a JSON object",
    "the site answers something other than a JSON object",
  );
}

function explain(error: unknown, wasAnswered: boolean, timeoutMs: number): SessionProviderUnavailable {
  const unavailable = (fault: SessionProviderFault, what: string) =>
    new SessionProviderUnavailable(fault, what);
  if (error instanceof Error && error.name === "TimeoutError")
    return unavailable("no answer in time", `the site did not answer within ${timeoutMs} ms`);
  const code = codeOf(error) || "unknown failure";
  if (!wasAnswered && neverConnected.has(code))
    return unavailable("not reached", `the site cannot be reached (${code})`);
  if (!wasAnswered && certificateRefused.test(code))
    return unavailable("certificate refused", `the site's certificate is not valid (${code})`);
  if (code === "EPROTO") return unavailable("TLS failed", "the site does not speak TLS there (EPROTO)");
  return unavailable("answer lost", `the answer of the site was lost or malformed (${code})`);
}
