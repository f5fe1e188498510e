const sharedSecretsMax = 2;
const sharedSecretBytesMin = 16;
/** The secret of HS256 must be as long as its hash (RFC 7518, section 3.2). */
const sessionSecretBytesMin = 32;

export function parseSharedSecrets(text: string): Uint8Array[] | null {
  const spellings = text.split(",").map((spelling) => spelling.trim());
  if (spellings.length > sharedSecretsMax) return null;
  if (!spellings.every((spelling) => /^[A-Za-z0-9+/]+={0,2}$/.test(spelling))) return null;
  const secrets = spellings.map((spelling) => new Uint8Array(Buffer.from(spelling, "base64")));
  return secrets.every((secret) => secret.length >= sharedSecretBytesMin) ? secrets : null;
}

/** The secret is the text itself in UTF-8, as libraries that verify tokens expect. */
export function parseSessionSecret(text: string): Uint8Array | null {
  const secret = new TextEncoder().encode(text);
  return secret.length >= sessionSecretBytesMin ? secret : null;
}
