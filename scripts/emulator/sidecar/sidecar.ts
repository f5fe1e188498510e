/** The sidecar that the emulator works with. */
export interface Sidecar {
  /** Of its public listener, with its base path. */
  readonly baseUrl: string;
  /** `null`: its ops listener is not known. */
  readonly opsUrl: string | null;
  /** What announces changes of user rows to it; `null`: not known. */
  readonly adminToken: string | null;
  /** Whether this run has started it. */
  readonly isOwn: boolean;
  /** Ends it if this run has started it. */
  stop(): Promise<void>;
}
