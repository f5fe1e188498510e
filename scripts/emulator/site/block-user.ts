import { fetchDirect } from "../../client/fetch-direct.ts";
import { RequestFailed } from "../api/failure.ts";
import type { UserRows } from "./user-rows.ts";

export interface BlockUserOptions {
  readonly rows: Pick<UserRows, "block">;
  readonly opsUrl: string | null;
  readonly adminToken: string | null;
}

/**
 * Blocks or unblocks a user in the table, and announces the change to the sidecar as a site does. Without `ADMIN_TOKEN`
 * nothing is announced, and a lookup may return the old value for up to `REDIS_TTL_SECONDS`.
 *
 * @throws {RequestFailed}
 */
export type BlockUser = (loginId: string, blocked: boolean) => Promise<void>;

export function createBlockUser({ rows, opsUrl, adminToken }: BlockUserOptions): BlockUser {
  return async (loginId, blocked) => {
    await rows.block(loginId, blocked);
    if (opsUrl === null || adminToken === null) return;
    const { ok, status } = await fetchDirect(`${opsUrl}/admin/invalidate`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify({ loginId }),
    });
    if (ok) return;
    throw new RequestFailed(
      "database_failed",
      `The row is changed, but the sidecar answered ${status} to the announcement.`,
    );
  };
}
