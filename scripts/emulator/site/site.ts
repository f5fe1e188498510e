import type { Config } from "../../../src/config/load-config.ts";
import type { Sidecar } from "../sidecar/sidecar.ts";
import { type BlockUser, createBlockUser } from "./block-user.ts";
import { type CheckSession, createSessionCheck } from "./session-check.ts";
import { createUserRows, type UserRows } from "./user-rows.ts";

/** The demo site: its user table, its check of sessions, and how it blocks users. */
export interface Site {
  readonly rows: UserRows;
  readonly block: BlockUser;
  readonly checkSession: CheckSession;
}

/** Calls `onUser` with the login id of each user that is inserted. */
export function createSite(
  config: Config,
  { baseUrl, opsUrl, adminToken }: Sidecar,
  onUser: (loginId: string) => void,
): Site {
  const rows = createUserRows(config, onUser);
  const backendToken = config.backendToken.reveal() ?? adminToken;
  return {
    rows,
    block: createBlockUser({ rows, opsUrl, adminToken }),
    checkSession: createSessionCheck({ baseUrl, opsUrl, sessions: config.sessions, backendToken }),
  };
}
