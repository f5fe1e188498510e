const sharedSecretsMax = 2;
const sharedSecretBytesMin = 16;

export function parseSharedSecrets(text: string): Uint8Array[] | null {
  const spellings = text.split(",").map((spelling) => spelling.trim());
  if (spellings.length > sharedSecretsMax) return null;
  if (!spellings.every((spelling) => /^[A-Za-z0-9+/]+={0,2}$/.test(spelling))) return null;
  const secrets = spellings.map((spelling) => new Uint8Array(Buffer.from(spelling, "base64")));
  return secrets.every((secret) => secret.length >= sharedSecretBytesMin) ? secrets : null;
}
