import { createRemoteJWKSet, customFetch, decodeProtectedHeader, type JWTPayload, jwtVerify } from "jose";
import type { Config } from "../../../src/config/load-config.ts";
import { fetchDirect } from "../../client/fetch-direct.ts";
import { reasonOf } from "../../reason.ts";
import { RequestFailed } from "../api/failure.ts";
import type { SessionAnswer } from "../api/platform-api.ts";
import type { VerifiedToken } from "../api/site-api.ts";

export interface SessionCheckOptions {
  /** The address of the sidecar's public listener. */
  readonly baseUrl: string;
  readonly opsUrl: string | null;
  readonly sessions: Config["sessions"];
  readonly backendToken: string | null;
}

/**
 * Checks the session that `onLogin` received, as the backend of a site does: exchanges a hand-off token, and verifies the
 * session token with the sidecar's public keys.
 *
 * @throws {RequestFailed} `authorization_invalid`
 */
export type CheckSession = (session: SessionAnswer) => Promise<VerifiedToken & { readonly subject: string }>;

export function createSessionCheck({
  baseUrl,
  opsUrl,
  sessions,
  backendToken,
}: SessionCheckOptions): CheckSession {
  const { algorithm, issuer, audience, tokenType: typ, handsOff } = sessions;
  const sharedKey = sessions.secret.reveal();
  const publicKeys = createRemoteJWKSet(new URL(`${baseUrl}/.well-known/jwks.json`), {
    // A sidecar that was restarted may have new keys.
    cooldownDuration: 0,
    [customFetch]: (url, { method, headers, signal }) => fetchDirect(url, { method, headers, signal }),
  });
  const expected = { issuer, audience, typ, algorithms: [algorithm] };

  async function verify(token: string): Promise<JWTPayload> {
    const { payload } =
      sharedKey === null
        ? await jwtVerify(token, publicKeys, expected)
        : await jwtVerify(token, sharedKey, expected);
    return payload;
  }

  async function exchange(token: string): Promise<string> {
    if (opsUrl === null || backendToken === null) {
      throw invalid("A hand-off token came, but OPS_PORT or BACKEND_TOKEN is not known here to exchange it.");
    }
    const response = await fetchDirect(`${opsUrl}/session/exchange`, {
      method: "POST",
      headers: { authorization: `Bearer ${backendToken}` },
      body: new URLSearchParams({ token }),
    });
    if (!response.ok) throw invalid(`The hand-off token was refused with ${response.status}.`);
    return tokenOf(await response.json());
  }

  return async (session) => {
    if (sessions.site !== null) {
      throw new RequestFailed(
        "not_configured",
        "Your own site makes the sessions (SESSION_PROVIDER=http), so only your site can check them.",
      );
    }
    const handed = tokenOf(session);
    const token = handsOff ? await exchange(handed) : handed;
    try {
      const claims = await verify(token);
      return { subject: claims.sub ?? "", header: { ...decodeProtectedHeader(token) }, claims };
    } catch (error) {
      throw invalid(`The session token does not hold: ${reasonOf(error)}`);
    }
  };
}

function tokenOf(session: SessionAnswer): string {
  if (
    typeof session === "object" &&
    session !== null &&
    "token" in session &&
    typeof session.token === "string"
  ) {
    return session.token;
  }
  throw invalid("The session has no token that this site could check.");
}

function invalid(message: string): RequestFailed {
  return new RequestFailed("authorization_invalid", message);
}
