import { RequestFailed } from "../api/failure.ts";
import type { Authorization, SessionAnswer } from "../api/platform-api.ts";
import { createPending } from "./pending.ts";

/** Decides who may change an account: the holder of its session token, or of the proof of a one-time code. */
export interface Authorizations {
  /** Lets the token of this session authorize changes until the emulator ends. */
  rememberSession(loginId: string, session: SessionAnswer): void;
  /** Issues a token for a person whom the site itself has signed in. */
  issueToken(loginId: string): string;
  /** Issues a proof that can be used once, for one purpose. */
  issueProof(loginId: string, purpose: ProofPurpose): string;
  /** @throws {RequestFailed} `authorization_invalid`: it does not name this user, or not for this purpose */
  ensure(authorization: Authorization, loginId: string, purpose: ProofPurpose): void;
}

export type ProofPurpose = "enrol" | "recover";

export function createAuthorizations(now: () => number): Authorizations {
  const loginIdByToken = new Map<string, string>();
  const proofs = createPending<{ readonly loginId: string; readonly purpose: ProofPurpose }>(now);

  function isProved({ proof }: Authorization, loginId: string, purpose: ProofPurpose): boolean {
    const proved = proof === undefined ? null : proofs.take(proof);
    return proved?.loginId === loginId && proved.purpose === purpose;
  }

  return {
    rememberSession(loginId, session) {
      const { token } = typeof session === "object" && session !== null ? { token: null, ...session } : {};
      if (typeof token === "string") loginIdByToken.set(token, loginId);
    },
    issueToken(loginId) {
      const token = crypto.randomUUID();
      loginIdByToken.set(token, loginId);
      return token;
    },
    issueProof: (loginId, purpose) => proofs.add({ loginId, purpose }),
    ensure(authorization, loginId, purpose) {
      const { authToken } = authorization;
      const isSignedIn = authToken !== undefined && loginIdByToken.get(authToken) === loginId;
      if (purpose === "enrol" && isSignedIn) return;
      if (isProved(authorization, loginId, purpose)) return;
      throw new RequestFailed(
        "authorization_invalid",
        purpose === "enrol"
          ? "Send the authToken of this user's session, or the proof of a one-time code."
          : "Send the proof of a one-time code for recovery.",
      );
    },
  };
}
