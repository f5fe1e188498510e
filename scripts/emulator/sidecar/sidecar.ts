/** The working directory of a sidecar that is started. */
export interface WorkingDirectory {
  readonly path: string;
  /** Whether it exists for this run only: the sidecar deletes it at the end. */
  readonly isTemporary: boolean;
}

/** The sidecar that the emulator calls. */
export interface Sidecar {
  /** The address of its public listener, with its base path. */
  readonly baseUrl: string;
  /** The address of its ops listener; `null` = unknown. */
  readonly opsUrl: string | null;
  /** The token for announcing changes of user rows; `null` = unknown. */
  readonly adminToken: string | null;
  /** Whether this run has started it. */
  readonly isOwn: boolean;
  /** Stops it if this run has started it. */
  stop(): Promise<void>;
}
