import type { JSONWebKeySet } from "jose";
import { HandoffExchanged, SessionInvalid, SessionLedgerUnavailable } from "../errors.ts";
import type { IssueOptions, SessionIssuer, SessionSubject } from "./session-issuer.ts";
import type { SessionLedger, UserRevocation } from "./session-ledger.ts";
import { earliestIssueTime, type TokenClaims } from "./session-token.ts";
import type { VerifyToken } from "./token-verifier.ts";

export interface SessionsOptions {
  readonly issuer: SessionIssuer;
  readonly verifyToken: VerifyToken;
  readonly ledger: SessionLedger;
  /** `SESSION_HANDOFF=exchange`: OwnID carries a hand-off token instead of the session token. */
  readonly handsOff: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** A session's whole life: it is started, found by its token, and ended. */
export interface Sessions {
  /**
   * Starts a session for the user who is asked for and whom `readUser` returns as the table spells the login id. Returns
   * the token for OwnID to carry. `readUser` may be called twice. It works without the ledger, too; a user who was
   * revoked seconds before then has to log in again.
   */
  start(asked: SessionSubject, readUser: () => Promise<{ loginId: string }>): Promise<string>;

  /**
   * Returns the claims of an active session token: it is this sidecar's, valid now and not revoked. Every other text
   * gives `null`.
   *
   * @throws {SessionLedgerUnavailable} the token is valid, and whether it is revoked cannot be told
   */
  find(token: string): Promise<TokenClaims | null>;

  /**
   * Exchanges a hand-off token, once, for a session token with the same `sid`.
   *
   * @throws {SessionInvalid} it is not a hand-off token that is valid now, or its session or user is revoked
   * @throws {HandoffExchanged} it has been exchanged before
   * @throws {SessionLedgerUnavailable} it may count as exchanged
   */
  exchange(handoffToken: string): Promise<string>;

  /** Ends one token by its `jti`, or one session by its `sid`. @throws {SessionLedgerUnavailable} */
  revoke(id: string): Promise<void>;

  /** Ends all that has been issued to the user so far. @throws {SessionLedgerUnavailable} */
  revokeUser(loginId: string): Promise<void>;

  /** Returns the revocation by `revokeUser` that is kept. @throws {SessionLedgerUnavailable} */
  userRevocation(loginId: string): Promise<UserRevocation | null>;

  publicKeys(): JSONWebKeySet;
}

/** How long an exchange is remembered after the hand-off token has expired, since clocks differ. */
const exchangeMarginSeconds = 60;

export function createSessions({ issuer, verifyToken, ledger, handsOff, now }: SessionsOptions): Sessions {
  const kind = handsOff ? "handoff" : "session";

  async function isRevoked({ jti, sid, sub, iat }: TokenClaims): Promise<boolean> {
    return ledger.isRevoked({ jti, sid, loginId: sub, issuedAt: iat });
  }

  async function revokedUntilIfKnown(loginId: string): Promise<number | null> {
    try {
      return await ledger.revokedUntil(loginId);
    } catch (error) {
      if (error instanceof SessionLedgerUnavailable) return null;
      throw error;
    }
  }

  return {
    async start({ loginId: asked, sessionType }, readUser) {
      const asOfMs = now();
      // Together, so that the ledger costs no round trip of its own.
      const [first, ofAsked] = await Promise.all([readUser(), revokedUntilIfKnown(asked)]);
      const revokedUntil = first.loginId === asked ? ofAsked : await revokedUntilIfKnown(first.loginId);
      if (revokedUntil === null || revokedUntil < earliestIssueTime(asOfMs))
        return issuer.issue({ loginId: first.loginId, sessionType }, { kind, asOfMs });
      // The user was revoked moments ago, perhaps after the row was read. Only a row that is read after the revocation
      // may give a token that is later than it.
      const { loginId } = await readUser();
      const isSame = loginId === first.loginId;
      return issuer.issue({ loginId, sessionType }, { kind, asOfMs, ...(isSame && { revokedUntil }) });
    },

    async find(token) {
      const claims = await verifyToken(token, "session");
      return claims === null || (await isRevoked(claims)) ? null : claims;
    },

    async exchange(handoffToken) {
      const asOfMs = now();
      const claims = await verifyToken(handoffToken, "handoff");
      if (claims === null) throw new SessionInvalid();
      const keepSeconds = claims.exp - Math.floor(asOfMs / 1000) + exchangeMarginSeconds;
      const isFirst = await ledger.recordExchange(claims.jti, keepSeconds);
      if (!isFirst) throw new HandoffExchanged();
      // Asked after the exchange is recorded: a ledger that has lost that record since calls the token revoked. And
      // read before `isRevoked`: a revocation after that covers the new token.
      const revokedUntil = await ledger.revokedUntil(claims.sub);
      if (await isRevoked(claims)) throw new SessionInvalid();
      const options: IssueOptions = { sid: claims.sid, asOfMs, revokedUntil };
      return issuer.issue(subjectOf(claims), options);
    },

    revoke: (id) => ledger.revoke(id),
    revokeUser: (loginId) => ledger.revokeUser(loginId),
    userRevocation: (loginId) => ledger.userRevocation(loginId),
    publicKeys: () => issuer.publicKeys(),
  };
}

function subjectOf({ sub, session_type }: TokenClaims): SessionSubject {
  return { loginId: sub, sessionType: session_type ?? null };
}
