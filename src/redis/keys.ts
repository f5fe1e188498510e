export interface Keys {
  /** The hash of one user, by the stored login id. */
  user(loginId: string): string;
  /** What a signature has been used for, by the MAC that the verifier computed. */
  seen(mac: Uint8Array): string;
  /** The mark of the installation that uses this prefix. */
  readonly installation: string;
  /** When an epoch, in hex, was first seen. */
  epoch(epoch: string): string;
  /** Whether a token or a session is revoked, by its `jti` or `sid`. */
  revoked(id: string): string;
  /** The second up to which all tokens of a user are revoked, by the login id or the digest that names the user in them. */
  revokedBefore(user: string): string;
  /**
   * Since when a master's record of revocations is complete. In a Cluster, each master has its own, found by its
   * number.
   */
  revokedBeforeAll(number: number): string;
  /** Whether a hand-off token has been exchanged, by its `jti`. */
  exchanged(jti: string): string;

  /** The pattern for SCAN that matches the hash of every user. */
  readonly everyUser: string;
  /** The pattern that matches one user in any case. A letter outside ASCII matches any text. */
  everySpellingOf(loginId: string): string;
}

const urlSafe = { alphabet: "base64url", omitPadding: true } as const;

/**
 * Creates the names of all keys. They contain no braces of ours, so that the hashes spread over the slots of a
 * Cluster.
 */
export function createKeys(prefix: string): Keys {
  const users = `${literal(prefix)}user:`;
  return {
    user: (loginId) => `${prefix}user:${loginId}`,
    seen: (mac) => `${prefix}seen:${mac.toBase64(urlSafe)}`,
    installation: `${prefix}installation`,
    epoch: (epoch) => `${prefix}epoch:${epoch}`,
    revoked: (id) => `${prefix}revoked:${id}`,
    revokedBefore: (user) => `${prefix}revoked-before:${user}`,
    revokedBeforeAll: (number) => `${prefix}revoked-before-all:${number}`,
    exchanged: (jti) => `${prefix}exchanged:${jti}`,
    everyUser: `${users}*`,
    everySpellingOf: (loginId) =>
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
