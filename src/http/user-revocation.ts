import type { UserDirectory } from "../coherence/user-directory.ts";
import { UserUnknown } from "../errors.ts";
import type { Sessions } from "../sessions/sessions.ts";

export interface UserRevocationOptions {
  readonly sessions: Pick<Sessions, "revokeUser">;
  readonly findUser: UserDirectory["find"];
}

/**
 * Ends everything that has been issued so far to the user with a login id. Tokens carry the login id as the table
 * stores it, which a collation may spell differently from the caller.
 *
 * @throws {SessionLedgerUnavailable} | {DatabaseUnavailable} | {Overloaded} some tokens are perhaps not revoked; call
 * again
 */
export type RevokeUser = (loginId: string) => Promise<void>;

export function createUserRevocation({ sessions, findUser }: UserRevocationOptions): RevokeUser {
  return async (loginId) => {
    await sessions.revokeUser(loginId);
    const user = await findUser(loginId).catch((error: unknown) => {
      if (error instanceof UserUnknown) return null;
      throw error;
    });
    if (user !== null && user.loginId !== loginId) await sessions.revokeUser(user.loginId);
  };
}
