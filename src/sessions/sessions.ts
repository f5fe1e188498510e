import type { JSONWebKeySet } from "jose";
import { HandoffExchanged, SessionInvalid, SessionLedgerUnavailable } from "../errors.ts";
import { type DigestKeys, digestLoginId } from "./login-id-digest.ts";
import type {
  IssueOptions,
  NewToken,
  SessionIssuer,
  SessionRequest,
  TokenSubject,
} from "./session-issuer.ts";
import type { SessionLedger, UserRevocation } from "./session-ledger.ts";
import { earliestIssueTime, furtherClaimsOf, type TokenClaims } from "./session-token.ts";
import { type SubjectRules, type SubjectUser, subjectOf } from "./subject.ts";
import type { VerifyToken } from "./token-verifier.ts";

export interface SessionsOptions extends SubjectRules {
  readonly issuer: SessionIssuer;
  readonly verifyToken: VerifyToken;
  readonly ledger: SessionLedger;
  /** Whether OwnID carries a hand-off token instead of the session token (`SESSION_HANDOFF=exchange`). */
  readonly handsOff: boolean;
  readonly digestKeys: () => DigestKeys;
  /** Returns milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** The life of a session: it is started, found by its token, and ended. */
export interface Sessions {
  /**
   * Starts a session for the user who was asked for. `readUser` returns that user as the table spells the login id;
   * it may be called twice. Returns the token for OwnID to carry. It also works while the ledger does not answer; a
   * user who was revoked seconds before must then log in again.
   *
   * @throws {SessionRowUnfit} the user's row has no subject, or a value that does not fit into a token
   */
  start(asked: SessionRequest, readUser: () => Promise<SubjectUser>): Promise<NewToken>;

  /**
   * Returns the claims of an active session token, which is this sidecar's, valid now and not revoked. Returns `null`
   * for any other text.
   *
   * @throws {SessionLedgerUnavailable} the token is valid, and it is not known whether it is revoked
   */
  find(token: string): Promise<TokenClaims | null>;

  /**
   * Exchanges a hand-off token, once, for a session token with the same `sid`.
   *
   * @throws {SessionInvalid} it is not a hand-off token that is valid now, or its session or user is revoked
   * @throws {HandoffExchanged} it has been exchanged before
   * @throws {SessionLedgerUnavailable} it may count as exchanged
   */
  exchange(handoffToken: string): Promise<NewToken>;

  /** Ends one token by its `jti`, or one session by its `sid`. @throws {SessionLedgerUnavailable} */
  revoke(id: string): Promise<void>;

  /** Ends everything that has been issued to the user so far. @throws {SessionLedgerUnavailable} */
  revokeUser(loginId: string): Promise<void>;

  /** Returns the revocation by `revokeUser` that is still kept. @throws {SessionLedgerUnavailable} */
  userRevocation(loginId: string): Promise<UserRevocation | null>;

  publicKeys(): JSONWebKeySet;
}

/** How long an exchange is remembered after the hand-off token has expired, since clocks differ. */
const exchangeMarginSeconds = 60;

export function createSessions(options: SessionsOptions): Sessions {
  const { issuer, verifyToken, ledger, handsOff, digestKeys, now } = options;
  const kind = handsOff ? "handoff" : "session";

  function digestOf(loginId: string): string | null {
    return options.subjectColumn === null ? null : digestLoginId(digestKeys().current, loginId);
  }

  async function isRevoked(claims: TokenClaims): Promise<boolean> {
    const { jti, sid, iat } = claims;
    return ledger.isRevoked({ jti, sid, user: userOf(claims), issuedAt: iat });
  }

  async function revokedUntilIfKnown(loginId: string): Promise<number | null> {
    try {
      return await ledger.revokedUntil(digestOf(loginId) ?? loginId);
    } catch (error) {
      if (error instanceof SessionLedgerUnavailable) return null;
      throw error;
    }
  }

  /** The digest is made with the key that signs now, so every revocation of the login id reaches the token. */
  function tokenSubject(user: SubjectUser, sessionType: SessionRequest["sessionType"]): TokenSubject {
    return { ...subjectOf(user, options), loginIdDigest: digestOf(user.loginId), sessionType };
  }

  return {
    async start({ loginId: asked, sessionType }, readUser) {
      const asOfMs = now();
      // Both are requested at the same time, so that the ledger adds no round trip.
      const [first, ofAsked] = await Promise.all([readUser(), revokedUntilIfKnown(asked)]);
      const revokedUntil = first.loginId === asked ? ofAsked : await revokedUntilIfKnown(first.loginId);
      if (revokedUntil === null || revokedUntil < earliestIssueTime(asOfMs))
        return issuer.issue(tokenSubject(first, sessionType), { kind, asOfMs });
      // The user was revoked a moment ago, perhaps after the row was read. Only a row that is read after the
      // revocation may lead to a token that is later than it.
      const user = await readUser();
      const isSame = user.loginId === first.loginId;
      return issuer.issue(tokenSubject(user, sessionType), {
        kind,
        asOfMs,
        ...(isSame && { revokedUntil }),
      });
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
      if (!isFirst) throw new HandoffExchanged(claims.sid);
      // This is asked after the exchange is recorded, since a ledger that has lost that record calls the token
      // revoked. It is read before `isRevoked`, so that a later revocation covers the new token.
      const revokedUntil = await ledger.revokedUntil(userOf(claims));
      if (await isRevoked(claims)) throw new SessionInvalid();
      const issueOptions: IssueOptions = { sid: claims.sid, asOfMs, revokedUntil };
      return issuer.issue(subjectOfToken(claims), issueOptions);
    },

    revoke: (id) => ledger.revoke(id),

    /**
     * Tokens that were issued before a change of `SESSION_SUBJECT_COLUMN` or of the keys name the user in another way
     * than new ones do, so the user is revoked under every name.
     */
    async revokeUser(loginId) {
      const digests = digestKeys().all.map((key) => digestLoginId(key, loginId));
      await Promise.all([loginId, ...digests].map(ledger.revokeUser));
    },
    userRevocation: (loginId) => ledger.userRevocation(loginId),
    publicKeys: () => issuer.publicKeys(),
  };
}

/** Returns how the ledger names the user of this token. */
function userOf({ sub, lid }: TokenClaims): string {
  return lid ?? sub;
}

function subjectOfToken(claims: TokenClaims): TokenSubject {
  const { sub, lid, session_type } = claims;
  return {
    subject: sub,
    claims: furtherClaimsOf(claims),
    loginIdDigest: lid ?? null,
    sessionType: session_type ?? null,
  };
}
