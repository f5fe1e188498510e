/** One read of the primary database that several callers may wait for. */
interface Flight<Value> {
  /** Counts up with every arrival and departure; `null` until the statement is sent. */
  sentAt: number | null;
  readonly landed: Promise<Value>;
}

export interface SharedReads<Value> {
  /**
   * The outcome of a read that was sent after this call was made, and perhaps for others as well.
   *
   * Where one is in the air that was sent before, the caller first waits for it to land and then looks again
   * with `lookAgain`: whatever it found may have made a read needless.
   */
  join(key: string, lookAgain: () => Promise<Value | null>, send: () => Promise<Value>): Promise<Value>;
}

/**
 * Lets concurrent callers share reads without ever giving one an answer from before it asked: a statement that
 * was sent earlier may have seen a value that has been replaced since. A thousand callers for one key cost one
 * read if looking again finds its result, and two at most if it does not.
 */
export function createSharedReads<Value>(): SharedReads<Value> {
  const flights = new Map<string, Flight<Value>[]>();
  let clock = 0;

  function depart(key: string, send: () => Promise<Value>): Flight<Value> {
    const { promise, resolve } = Promise.withResolvers<Value>();
    const flight: Flight<Value> = { sentAt: null, landed: promise };
    flights.set(key, [...(flights.get(key) ?? []), flight]);
    setImmediate(() => {
      flight.sentAt = clock++;
      resolve(send().finally(() => land(key, flight)));
    });
    return flight;
  }

  function land(key: string, flight: Flight<Value>): void {
    const others = (flights.get(key) ?? []).filter((other) => other !== flight);
    if (others.length > 0) flights.set(key, others);
    else flights.delete(key);
  }

  const sentSince = (key: string, arrivedAt: number) =>
    flights.get(key)?.find(({ sentAt }) => sentAt === null || sentAt > arrivedAt);

  return {
    async join(key, lookAgain, send) {
      const arrivedAt = clock++;
      const earlier = flights.get(key)?.[0];
      if (earlier !== undefined && sentSince(key, arrivedAt) === undefined) {
        await earlier.landed;
        const found = await lookAgain();
        if (found !== null) return found;
      }
      return (sentSince(key, arrivedAt) ?? depart(key, send)).landed;
    },
  };
}
