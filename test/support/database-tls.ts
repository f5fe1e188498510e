import type { DatabaseTls } from "../../src/config/database-config.ts";

export const withoutTls: DatabaseTls = { mode: "disable", ca: null, client: null };

/** Returns TLS settings that require a certificate of this authority with the name of the host. */
export function verifiedBy(ca: string): DatabaseTls {
  return { mode: "verify-full", ca, client: null };
}
