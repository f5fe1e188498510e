import type { DatabaseTls } from "../../src/config/database-config.ts";

export const withoutTls: DatabaseTls = { mode: "disable", ca: null, client: null };

/** The server's certificate must lead to this authority and name the host. */
export function verifiedBy(ca: string): DatabaseTls {
  return { mode: "verify-full", ca, client: null };
}
