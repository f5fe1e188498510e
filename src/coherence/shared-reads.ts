/** One read of the primary database that several callers may wait for. */
interface Flight<Value> {
  /** The order in which reads are sent and callers arrive; `null` until the statement is sent. */
  sentAt: number | null;
  readonly landed: Promise<Value>;
}

export interface SharedRead<Value> {
  /** Returns the value if it has been cached meanwhile, and `null` otherwise. */
  lookAgain(): Promise<Value | null>;
  send(): Promise<Value>;
  /** Caches the value where `lookAgain` finds it. It is called before any caller is given the value. Never throws. */
  cache(value: Value): Promise<void>;
}

export interface SharedReads<Value> {
  /**
   * Returns the result of a read that was sent after this call was made, possibly shared with other callers.
   *
   * If an earlier read is in flight, or its result is not yet cached, the caller waits for it and then looks again,
   * since its result may have made another read unnecessary.
   */
  join(key: string, read: SharedRead<Value>): Promise<Value>;
}

/**
 * Lets concurrent callers share reads, without ever giving a caller the result of a statement that was sent before it
 * called: that statement may have read a value that has been replaced since. A thousand callers for one key cost one
 * read if looking again finds its result, and at most two otherwise.
 */
export function createSharedReads<Value>(): SharedReads<Value> {
  const flights = new Map<string, Flight<Value>[]>();
  let clock = 0;

  function depart(key: string, { send, cache }: SharedRead<Value>): Flight<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const flight: Flight<Value> = { sentAt: null, landed: promise };
    flights.set(key, [...(flights.get(key) ?? []), flight]);
    setImmediate(async () => {
      flight.sentAt = clock++;
      try {
        const value = await send();
        const cached = cache(value);
        resolve(value);
        await cached;
        // A caller that missed in the same turn, before the value was cached, still finds this read.
        await new Promise(setImmediate);
      } catch (error) {
        reject(error);
      } finally {
        forget(key, flight);
      }
    });
    return flight;
  }

  function forget(key: string, flight: Flight<Value>): void {
    const others = (flights.get(key) ?? []).filter((other) => other !== flight);
    if (others.length > 0) flights.set(key, others);
    else flights.delete(key);
  }

  const sentSince = (key: string, arrivedAt: number) =>
    flights.get(key)?.find(({ sentAt }) => sentAt === null || sentAt > arrivedAt);

  return {
    async join(key, read) {
      const arrivedAt = clock++;
      const earlier = flights.get(key)?.[0];
      if (earlier !== undefined && sentSince(key, arrivedAt) === undefined) {
        await earlier.landed;
        const found = await read.lookAgain();
        if (found !== null) return found;
      }
      return (sentSince(key, arrivedAt) ?? depart(key, read)).landed;
    },
  };
}
