/** One secret, or two while one replaces the other. */
const secretsMax = 2;
const sharedSecretBytesMin = 16;
/** The secret of HS256 must be as long as its hash (RFC 7518, section 3.2). */
const sessionSecretBytesMin = 32;

export function parseSharedSecrets(text: string): Uint8Array[] | null {
  return parseBase64Secrets(text, { bytesMin: sharedSecretBytesMin });
}

interface SecretForm {
  /** What may stand before the base64. */
  readonly prefix?: string;
  readonly bytesMin: number;
  readonly bytesMax?: number;
}

/** Reads one secret in base64, or two with a comma between. Returns `null` if one of them has another form. */
export function parseBase64Secrets(text: string, form: SecretForm): Uint8Array[] | null {
  const { prefix = "", bytesMin, bytesMax = Number.POSITIVE_INFINITY } = form;
  const spellings = text.split(",").map((part) => part.trim().replace(prefix, ""));
  if (spellings.length > secretsMax) return null;
  if (!spellings.every((spelling) => /^[A-Za-z0-9+/]+={0,2}$/.test(spelling))) return null;
  const secrets = spellings.map((spelling) => new Uint8Array(Buffer.from(spelling, "base64")));
  return secrets.every(({ length }) => length >= bytesMin && length <= bytesMax) ? secrets : null;
}

/** The secret is the text itself in UTF-8, as libraries that verify tokens expect. */
export function parseSessionSecret(text: string): Uint8Array | null {
  const secret = new TextEncoder().encode(text);
  return secret.length >= sessionSecretBytesMin ? secret : null;
}
