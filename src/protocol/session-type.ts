const known = ["browser", "mobile"] as const;

export type KnownSessionType = (typeof known)[number];

/**
 * Reads `sessionType` of a session request. OwnID's platform may send types that nobody has documented, so
 * anything but `browser` and `mobile`, whatever its JSON type, counts as no type at all: returns `null`.
 */
export function parseSessionType(submitted: unknown): KnownSessionType | null {
  return known.find((type) => type === submitted) ?? null;
}
