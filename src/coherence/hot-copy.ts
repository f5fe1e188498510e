/**
 * The hot copy of every user's `ownIdData`, beside the primary database: one hash per login id. It is the
 * port of the protocol in DESIGN.md, whose steps its methods are.
 */
export interface HotCopy {
  /**
   * READ without the script: the value, when the hash has one that may be believed. Never throws: without
   * the hot copy there is no value.
   */
  peek(loginId: string): Promise<string | null>;

  /** READ. Never throws: without the hot copy the answer is "ask". */
  read(loginId: string): Promise<HotRead>;

  /** What a session is compared with: what a `get` would be answered, and whether the hash is marked as stale. Never throws. */
  look(loginId: string): Promise<HotLook>;

  /**
   * Returns everything that is held of a user's data, whether it may be believed or not.
   *
   * @throws {HotCopyUnavailable} no clear answer
   */
  inspect(loginId: string): Promise<HotHolding>;

  /**
   * Marks a hash as stale whose value contradicts the row: the value is forgotten, and until a reader has got the row
   * since, `look` and `begin` say so. Returns whether it was marked; `false` if a write or a purge has begun since the
   * look. While Redis is away, and when it has lost the mark, this process still remembers it.
   *
   * @throws {HotCopyUnavailable} no clear answer: whether the hash was stale is not known
   */
  markStale(loginId: string, seen: HotValue): Promise<boolean>;

  /**
   * BEGIN. From when it resolves until `end`, or until the marker lapses, no reader believes the hash.
   *
   * @param token what the hash's token is to begin with, for a caller that must recognise it later
   * @throws {HotCopyUnavailable} no clear answer: the database must not be touched
   */
  begin(loginId: string, token?: string): Promise<HotWrite>;

  /**
   * Forgets the value, so that the next reader asks the database.
   *
   * @throws {HotCopyUnavailable} it may still be believed
   */
  purge(loginId: string): Promise<void>;

  /**
   * Forgets the values of every login id that differs from this one in case at most. It goes through all hashes.
   *
   * @throws {HotCopyUnavailable} some may still be believed
   */
  purgeSpellings(loginId: string): Promise<void>;

  /**
   * Forgets every value.
   *
   * @throws {HotCopyUnavailable} some may still be believed
   */
  purgeAll(): Promise<void>;
}

export type HotRead =
  | { readonly state: "hit"; readonly value: string }
  /** Ask the database, and `fill` with what it says about exactly this login id. Never throws. */
  | { readonly state: "miss"; readonly fill: (value: string) => Promise<void> }
  /** Ask the database, and keep the answer out of the hash. */
  | { readonly state: "ask" }
  /** The same, and call `clear` before the row is handed on: the mark of a stale hash goes. Never throws. */
  | { readonly state: "stale"; readonly clear: () => Promise<void> };

/** A believed value, and the hash's token beside it: while the token is the same, no write has begun. */
export interface HotValue {
  readonly value: string;
  readonly token: string;
}

export interface HotLook {
  readonly held: HotValue | null;
  readonly isStale: boolean;
}

/** What somebody who may see all of it finds in the hash. */
export interface HotHolding {
  readonly value: string | null;
  readonly isStale: boolean;
  /** In milliseconds; `null` if it does not expire, or there is no hash. */
  readonly expiresInMs: number | null;
}

/** What the hash held when BEGIN ran. BEGIN has dropped the value. */
export interface HotFound {
  readonly value: string | null;
  readonly token: string | null;
  readonly isStale: boolean;
}

export interface HotWrite {
  readonly found: HotFound;

  /**
   * Marks the hash as stale, as `HotCopy.markStale`, unless another write has begun since this one. The write must
   * still be ended.
   *
   * @throws {HotCopyUnavailable}
   */
  markStale(): Promise<boolean>;

  /** END, once the outcome is known: what the row holds, or `null` to store nothing. Never throws. */
  end(held: string | null): Promise<void>;
}

const nothingHeld: HotHolding = { value: null, isStale: false, expiresInMs: null };
const nothingFound: HotFound = { value: null, token: null, isStale: false };

/** A site without Redis: the database is asked every time, and nobody else has to be told of a write. */
export const withoutHotCopy: HotCopy = {
  peek: async () => null,
  read: async () => ({ state: "ask" }),
  look: async () => ({ held: null, isStale: false }),
  inspect: async () => nothingHeld,
  markStale: async () => false,
  begin: async () => ({ found: nothingFound, markStale: async () => false, end: async () => {} }),
  purge: async () => {},
  purgeSpellings: async () => {},
  purgeAll: async () => {},
};
