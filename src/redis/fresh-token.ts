/** Returns 128 random bits, which never repeat. */
export function freshToken(): string {
  return crypto.getRandomValues(Buffer.allocUnsafe(16)).toString("base64url");
}
