/**
 * The cache beside the primary database, with one hash for each stored login id. It is the port of the protocol in
 * DESIGN.md, and its methods are the steps of that protocol.
 */
export interface HotCopy {
  /**
   * READ without the script: returns the value if the hash is a hit, and `null` otherwise. Never throws; if the cache
   * cannot be reached, the result is `null`.
   */
  peek(loginId: string): Promise<string | null>;

  /** READ. Never throws; if the cache cannot be reached, the result is "ask". */
  read(loginId: string): Promise<HotRead>;

  /**
   * Returns what a session is compared with: the value that a lookup would hit, and whether the hash has a stale
   * mark. Never throws.
   */
  look(loginId: string): Promise<HotLook>;

  /**
   * Returns everything that the hash holds, whether a lookup would use it or not.
   *
   * @throws {HotCopyUnavailable} the cache did not answer clearly
   */
  inspect(loginId: string): Promise<HotHolding>;

  /**
   * Sets the stale mark of a hash whose value contradicts the row, and removes the value. `look` and `begin` report
   * the mark until a lookup has read the row. Returns whether the mark was set; `false` means that a write or a purge
   * has begun since `seen` was read. This process also remembers the mark, in case Redis cannot be reached or loses
   * it.
   *
   * @throws {HotCopyUnavailable} the cache did not answer clearly, so it is not known whether the hash was stale
   */
  markStale(loginId: string, seen: HotValue): Promise<boolean>;

  /**
   * BEGIN. No lookup uses the hash from the moment this resolves until `end`, or until the marker lapses.
   *
   * @throws {WriteContended} another write has the write lock, and nothing has changed
   * @throws {HotCopyUnavailable} the cache did not answer clearly, so the database must not be touched
   */
  begin(loginId: string, repeatable?: RepeatableBegin): Promise<HotWrite>;

  /**
   * Removes the value, so that the next lookup asks the database.
   *
   * @throws {HotCopyUnavailable} lookups may still hit the value
   */
  purge(loginId: string): Promise<HotPurged>;

  /**
   * Removes the values of every login id that equals this one or differs from it only in case. It visits all hashes.
   *
   * @throws {HotCopyUnavailable} lookups may still hit some of the values
   */
  purgeSpellings(loginId: string): Promise<void>;

  /**
   * Removes every value.
   *
   * @throws {HotCopyUnavailable} lookups may still hit some of the values
   */
  purgeAll(): Promise<void>;
}

export type HotRead =
  | { readonly state: "hit"; readonly value: string }
  /**
   * Ask the database, then pass the row's value to `fill`, if the row has exactly this login id. `fill` never throws.
   */
  | { readonly state: "miss"; readonly fill: (value: string) => Promise<void> }
  /** Ask the database and do not fill. */
  | { readonly state: "ask" }
  /**
   * Ask the database and do not fill. Call `clear` before the row is returned, which removes the stale mark. `clear`
   * never throws.
   */
  | { readonly state: "stale"; readonly clear: () => Promise<void> };

/** The value of a hit, and the lease token beside it. While the lease token is the same, no write has begun. */
export interface HotValue {
  readonly value: string;
  readonly token: string;
}

export interface HotLook {
  readonly held: HotValue | null;
  readonly isStale: boolean;
}

/** Everything that a hash holds. */
export interface HotHolding {
  readonly value: string | null;
  readonly isStale: boolean;
  /** In milliseconds; `null` if there is no hash or it does not expire. */
  readonly expiresInMs: number | null;
}

export interface HotPurged {
  /** Whether the hash has a write lock, so that a write in flight may still overwrite what the row holds. */
  readonly isLocked: boolean;
}

/**
 * What a caller passes to BEGIN if it may have to begin the same write again. BEGIN then starts the new lease token with
 * `token` and a colon, but only if the lease token before was `seen`, or starts with them as well and no lookup has filled the
 * hash since. A hash without a value whose lease token starts with them has therefore not been written or purged by anybody
 * else since `seen` was read. In the same case, the write gets the write lock, so that nobody else writes the user until its
 * UPDATE is over.
 */
export interface RepeatableBegin {
  /** 128 random bits, the same at each BEGIN of this write. */
  readonly token: string;
  /** The lease token beside the value that the caller has read; `null` if it has read none. */
  readonly seen: string | null;
  /**
   * How long the write lock stands if no `end` removes it, in milliseconds: until the UPDATE can no longer take effect.
   */
  readonly lockMs: number;
}

/** What the hash held when BEGIN ran. BEGIN has removed the value. */
export interface HotFound {
  readonly value: string | null;
  readonly token: string | null;
  readonly isStale: boolean;
}

export interface HotWrite {
  readonly found: HotFound;

  /**
   * Sets the stale mark like `HotCopy.markStale`, unless another write has begun since this one. The write must still
   * be ended.
   *
   * @throws {HotCopyUnavailable}
   */
  markStale(): Promise<boolean>;

  /** END, once the outcome is known. `held` is what the row holds; `null` stores nothing. Never throws. */
  end(held: string | null): Promise<void>;
}

const nothingHeld: HotHolding = { value: null, isStale: false, expiresInMs: null };
const nothingFound: HotFound = { value: null, token: null, isStale: false };

/** The hot copy of a site without Redis: every lookup asks the database, and writes need no announcement. */
export const withoutHotCopy: HotCopy = {
  peek: async () => null,
  read: async () => ({ state: "ask" }),
  look: async () => ({ held: null, isStale: false }),
  inspect: async () => nothingHeld,
  markStale: async () => false,
  begin: async () => ({ found: nothingFound, markStale: async () => false, end: async () => {} }),
  purge: async () => ({ isLocked: false }),
  purgeSpellings: async () => {},
  purgeAll: async () => {},
};
