/** The data of Redis, with the commands that the scripts call. A string holds bytes, one in each character (latin1). */

export interface Hash {
  readonly fields: ReadonlyMap<string, string>;
  readonly expiresAtMs: number | null;
}

interface Text {
  readonly text: string;
  readonly expiresAtMs: number;
}

export class SimulatedKeyspace {
  /** The time of Redis' own clock. As in Redis, it does not change while a command runs. */
  nowUs = 0;
  /** The number of changes. */
  version = 0;
  readonly #hashes = new Map<string, Hash>();
  readonly #texts = new Map<string, Text>();

  get nowMs(): number {
    return Math.floor(this.nowUs / 1000);
  }

  /** Returns a copy of all data, for a snapshot or a replica. */
  copy(): SimulatedKeyspace {
    const copy = new SimulatedKeyspace();
    copy.nowUs = this.nowUs;
    for (const [key, hash] of this.#hashes) copy.#hashes.set(key, hash);
    for (const [key, text] of this.#texts) copy.#texts.set(key, text);
    return copy;
  }

  hashKeys(): string[] {
    return [...this.#hashes.keys()].filter((key) => this.hash(key) !== null);
  }

  hash(key: string): Hash | null {
    const hash = this.#hashes.get(key);
    if (hash === undefined) return null;
    if (hash.expiresAtMs === null || hash.expiresAtMs > this.nowMs) return hash;
    this.#hashes.delete(key);
    return null;
  }

  hget(key: string, field: string): string | null {
    return this.hash(key)?.fields.get(field) ?? null;
  }

  hmget(key: string, ...fields: string[]): (string | null)[] {
    return fields.map((field) => this.hget(key, field));
  }

  hgetall(key: string): [field: string, value: string][] {
    return [...(this.hash(key)?.fields ?? [])];
  }

  hset(key: string, changes: Readonly<Record<string, string>>): void {
    const hash = this.hash(key);
    const fields = new Map(hash?.fields);
    for (const [field, value] of Object.entries(changes)) fields.set(field, value);
    this.#keep(key, { fields, expiresAtMs: hash?.expiresAtMs ?? null });
  }

  /** Removes a field, and the hash with its last field. */
  hdel(key: string, field: string): void {
    const hash = this.hash(key);
    if (hash === null || !hash.fields.has(field)) return;
    const fields = new Map(hash.fields);
    fields.delete(field);
    this.#keep(key, fields.size === 0 ? null : { ...hash, fields });
  }

  del(key: string): void {
    this.#keep(key, null);
  }

  pexpire(key: string, lifeMs: number): void {
    const hash = this.hash(key);
    if (hash !== null) this.#keep(key, { ...hash, expiresAtMs: this.nowMs + lifeMs });
  }

  /** Returns -1 if the key does not expire, and -2 if it does not exist. */
  pttl(key: string): number {
    const hash = this.hash(key);
    if (hash === null) return -2;
    return hash.expiresAtMs === null ? -1 : hash.expiresAtMs - this.nowMs;
  }

  persist(key: string): void {
    const hash = this.hash(key);
    if (hash !== null) this.#keep(key, { ...hash, expiresAtMs: null });
  }

  /** Runs GET. */
  text(key: string): string | null {
    const held = this.#texts.get(key);
    return held !== undefined && held.expiresAtMs > this.nowMs ? held.text : null;
  }

  /** Runs SET PX, or SET KEEPTTL without a lifetime. */
  setText(key: string, text: string, lifeMs: number | null): void {
    const kept = this.#texts.get(key)?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    this.#texts.set(key, { text, expiresAtMs: lifeMs === null ? kept : this.nowMs + lifeMs });
    this.version += 1;
  }

  /** Runs SET NX PX and then GET. */
  setOnce(key: string, text: string, lifeMs: number): string {
    const held = this.text(key);
    if (held === null) this.setText(key, text, lifeMs);
    return held ?? text;
  }

  #keep(key: string, hash: Hash | null): void {
    if (hash === null) this.#hashes.delete(key);
    else this.#hashes.set(key, hash);
    this.version += 1;
  }
}
