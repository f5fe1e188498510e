/** The names of everything kept in Redis. No braces of ours: each user's hash finds its own slot in a Cluster. */
export function createKeys(prefix: string) {
  const users = `${literal(prefix)}user:`;
  return {
    /** The hash of one user, by the login id exactly as the database stores it. */
    user: (loginId: string) => `${prefix}user:${loginId}`,
    /** What a signature has been used for, by the MAC that the verifier computed. */
    seen: (mac: Uint8Array) => `${prefix}seen:${Buffer.from(mac).toString("base64url")}`,
    /** Which installation keeps its users under this prefix. */
    installation: `${prefix}installation`,
    /** When an epoch was first met. */
    epoch: (epoch: Buffer) => `${prefix}epoch:${epoch.toString("hex")}`,
    /** Whether a token or a session is revoked, by its `jti` or `sid`. */
    revoked: (id: string) => `${prefix}revoked:${id}`,
    /** The second up to which all tokens of a user are revoked. */
    revokedBefore: (loginId: string) => `${prefix}revoked-before:${loginId}`,
    /** Since when a master's record of revocations is complete. A Cluster has one at each master, by its number. */
    revokedBeforeAll: (number: number) => `${prefix}revoked-before-all:${number}`,
    /** Whether a hand-off token has been exchanged, by its `jti`. */
    exchanged: (jti: string) => `${prefix}exchanged:${jti}`,
    /** Every user's hash, as a pattern for SCAN. */
    everyUser: `${users}*`,
    /** The same for one user, in whatever case the login id is spelt; a letter outside ASCII stands for any text. */
    everySpellingOf: (loginId: string) =>
      users +
      literal(loginId)
        .replaceAll(/[a-z]/gi, eitherCase)
        .replaceAll(/[^ -~]+/g, "*"),
  };
}

/** As SCAN's patterns spell it. */
function literal(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, "\\$&");
}

function eitherCase(letter: string): string {
  return `[${letter.toLowerCase()}${letter.toUpperCase()}]`;
}

export type Keys = ReturnType<typeof createKeys>;
