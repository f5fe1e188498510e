/** A server of this test process. `remove` must be the last call; the others may be made in any order. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** Starts it again after `stop` or `kill`, with the data it had. Resolves once it answers. */
  start(): Promise<void>;
  /** Asks it to finish, and waits until it has. */
  stop(): Promise<void>;
  /**
   * Ends it like a power failure: clients are not notified, and nothing more is written. Resolves once none of its
   * processes runs.
   */
  kill(): Promise<void>;
  /** Suspends it until `thaw`: connections stay open, and nothing is answered. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends it for good and deletes its data. `await using` calls it. */
  remove(): Promise<void>;
}

const running = new Set<RunningServer>();
const forgetters: (() => void)[] = [];

export function noteRunning(server: RunningServer): void {
  running.add(server);
}

export function noteRemoved(server: RunningServer): void {
  running.delete(server);
}

/**
 * Returns a function that starts a server on its first call and returns the same server from then on. After
 * `stopAllServers`, the next call starts another one.
 */
export function shareServer<Server>(start: () => Promise<Server>): () => Promise<Server> {
  let shared: Promise<Server> | null = null;
  forgetters.push(() => {
    shared = null;
  });
  return () => {
    shared ??= start();
    return shared;
  };
}

/** Removes every server that this process started and has not removed. */
export async function stopAllServers(): Promise<void> {
  for (const forget of forgetters) forget();
  await Promise.all([...running].map((server) => server.remove()));
}
