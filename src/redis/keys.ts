/**
 * Creates the names of all keys. They contain no braces of ours, so that the hashes spread over the slots of a
 * Cluster.
 */
export function createKeys(prefix: string) {
  const users = `${literal(prefix)}user:`;
  return {
    /** The hash of one user, by the stored login id. */
    user: (loginId: string) => `${prefix}user:${loginId}`,
    /** What a signature has been used for, by the MAC that the verifier computed. */
    seen: (mac: Uint8Array) => `${prefix}seen:${Buffer.from(mac).toString("base64url")}`,
    /** The mark of the installation that uses this prefix. */
    installation: `${prefix}installation`,
    /** When an epoch, in hex, was first seen. */
    epoch: (epoch: string) => `${prefix}epoch:${epoch}`,
    /** Whether a token or a session is revoked, by its `jti` or `sid`. */
    revoked: (id: string) => `${prefix}revoked:${id}`,
    /** The second up to which all tokens of a user are revoked, by the login id or the digest that names the user in them. */
    revokedBefore: (user: string) => `${prefix}revoked-before:${user}`,
    /**
     * Since when a master's record of revocations is complete. In a Cluster, each master has its own, found by its
     * number.
     */
    revokedBeforeAll: (number: number) => `${prefix}revoked-before-all:${number}`,
    /** Whether a hand-off token has been exchanged, by its `jti`. */
    exchanged: (jti: string) => `${prefix}exchanged:${jti}`,
    /** The pattern for SCAN that matches the hash of every user. */
    everyUser: `${users}*`,
    /** The pattern that matches one user in any case. A letter outside ASCII matches any text. */
    everySpellingOf: (loginId: string) =>
      users +
      literal(loginId)
        .replaceAll(/[a-z]/gi, eitherCase)
        .replaceAll(/[^ -~]+/g, "*"),
  };
}

/** Escapes the text for SCAN's patterns. */
function literal(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, "\\$&");
}

function eitherCase(letter: string): string {
  return `[${letter.toLowerCase()}${letter.toUpperCase()}]`;
}

export type Keys = ReturnType<typeof createKeys>;
