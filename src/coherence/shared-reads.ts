/** One read of the primary database that several callers may wait for. */
interface Flight<Value> {
  /** Counts up with every arrival and departure; `null` until the statement is sent. */
  sentAt: number | null;
  readonly landed: Promise<Value>;
}

export interface SharedRead<Value> {
  /** Whether the value has been kept meanwhile; `null` if not. */
  lookAgain(): Promise<Value | null>;
  send(): Promise<Value>;
  /** Keeps the value where `lookAgain` finds it; begins before anybody is given the value. Never throws. */
  keep(value: Value): Promise<void>;
}

export interface SharedReads<Value> {
  /**
   * The outcome of a read that was sent after this call was made, and perhaps for others as well.
   *
   * Where one was sent before and is in the air, or has landed but is not yet kept, the caller first waits for it
   * to land and then looks again: what it brought may have made a read needless.
   */
  join(key: string, read: SharedRead<Value>): Promise<Value>;
}

/**
 * Lets concurrent callers share reads without ever giving one an answer from before it asked: a statement that
 * was sent earlier may have seen a value that has been replaced since. A thousand callers for one key cost one
 * read if looking again finds its result, and two at most if it does not.
 */
export function createSharedReads<Value>(): SharedReads<Value> {
  const flights = new Map<string, Flight<Value>[]>();
  let clock = 0;

  function depart(key: string, { send, keep }: SharedRead<Value>): Flight<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const flight: Flight<Value> = { sentAt: null, landed: promise };
    flights.set(key, [...(flights.get(key) ?? []), flight]);
    setImmediate(async () => {
      flight.sentAt = clock++;
      try {
        const value = await send();
        const kept = keep(value);
        resolve(value);
        await kept;
        // Whoever was told of a miss before the value was kept, in the same turn perhaps, still finds this flight.
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
