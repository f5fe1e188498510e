/**
 * The hot copy of every user's `ownIdData`, beside the primary database: one hash per login id. It is the
 * port of the protocol in this folder's README.md, whose steps its methods are.
 */
export interface HotCopy {
  /**
   * READ without the script: the value, when the hash has one that may be believed. Never throws: without
   * the hot copy there is no value.
   */
  peek(loginId: string): Promise<string | null>;

  /** READ. Never throws: without the hot copy the answer is "ask". */
  read(loginId: string): Promise<HotRead>;

  /**
   * BEGIN. From when it resolves until `end`, or until the marker lapses, no reader believes the hash.
   *
   * @throws {HotCopyUnavailable} no clear answer: the database must not be touched
   */
  begin(loginId: string): Promise<HotWrite>;

  /**
   * Forgets the value, so that the next reader asks the database.
   *
   * @throws {HotCopyUnavailable} it may still be believed
   */
  purge(loginId: string): Promise<void>;

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
  | { readonly state: "ask" };

export interface HotWrite {
  /** END, once the outcome is known: the committed value, or `null` when nothing was written. Never throws. */
  end(committed: string | null): Promise<void>;
}

/** A site without Redis: the database is asked every time, and nobody else has to be told of a write. */
export const withoutHotCopy: HotCopy = {
  peek: async () => null,
  read: async () => ({ state: "ask" }),
  begin: async () => ({ end: async () => {} }),
  purge: async () => {},
  purgeAll: async () => {},
};
