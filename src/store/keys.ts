/** The names of everything kept in Redis. No braces of ours: each user's hash finds its own slot in a Cluster. */
export function createKeys(prefix: string) {
  return {
    /** The hash of one user, by the login id exactly as the database stores it. */
    user: (loginId: string) => `${prefix}user:${loginId}`,
    /** What a signature has been used for, by the MAC that the verifier computed. */
    seen: (mac: Uint8Array) => `${prefix}seen:${Buffer.from(mac).toString("base64url")}`,
    /** When an epoch was first met. */
    epoch: (epoch: Buffer) => `${prefix}epoch:${epoch.toString("hex")}`,
    /** Every user's hash, as a pattern for SCAN. */
    everyUser: `${prefix.replaceAll(/[\\*?[\]]/g, "\\$&")}user:*`,
  };
}

export type Keys = ReturnType<typeof createKeys>;
