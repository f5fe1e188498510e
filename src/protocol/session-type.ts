const known = ["browser", "mobile"] as const;

export type SessionType = (typeof known)[number];

/**
 * Returns the `sessionType` of a session request if it is `browser` or `mobile`, and `null` otherwise. OwnID may send
 * types that are not documented, so any other value, of any JSON type, counts as none.
 */
export function parseSessionType(submitted: unknown): SessionType | null {
  return known.find((type) => type === submitted) ?? null;
}
