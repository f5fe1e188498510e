/** A server of this test process. All but `port` can be called in any order; `remove` is the last call. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** Starts it again after `stop` or `kill`, with the data it had, and resolves once it answers. */
  start(): Promise<void>;
  /** Asks it to finish and waits until it has. */
  stop(): Promise<void>;
  /** Ends it as a power cut would: no goodbye to clients, no last write. Resolves once nothing of it runs. */
  kill(): Promise<void>;
  /** Suspends it: connections stay open and nothing is answered, until `thaw`. */
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
 * Returns a function that starts a server the first time it is called and returns that server from then on. Once
 * `stopAllServers` has removed it, the next call starts another one.
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

/** Removes every server that this process started and has not removed yet. */
export async function stopAllServers(): Promise<void> {
  for (const forget of forgetters) forget();
  await Promise.all([...running].map((server) => server.remove()));
}
