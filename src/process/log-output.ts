/**
 * Where a log goes: standard output or a file. Either may be a pipe that nobody reads, a closed pipe, or a file on a full
 * disk.
 */
export interface LogOutput {
  /** Accepts one entry, which is one or more complete lines. Never throws and never waits. */
  write(entry: string): void;
  /** Resolves when everything has been written, and after `flushMs` at the latest. */
  flush(): Promise<void>;
}

/** Throws or rejects if the file refuses the text. The promise is pending while the file accepts nothing. */
export interface Sink {
  write(text: string): number | Promise<number>;
}

export interface LogOutputOptions {
  readonly sink: Sink;
  /** Called for each batch of entries that is lost. */
  readonly onDropped: (entries: number) => void;
  /** Called when entries can be written again, with the number of entries that were lost. */
  readonly onRecovered: (entries: number) => void;
}

/** Maximum number of characters that are buffered while they cannot be written. Later entries are dropped. */
const bufferedCharactersMax = 1 << 20;
/** How soon a failed write is retried. */
const retryMs = 200;
const flushMs = 1000;
const flushPollMs = 10;

/**
 * Writes in the background. The entries of one turn of the event loop are written together, since a write for each
 * would cost a tenth of a `set`. While a write is in flight or has failed, entries are buffered up to a limit; beyond
 * it they are dropped and counted. A failed write is repeated as a whole, so a part of it may appear twice.
 */
export function createLogOutput({ sink, onDropped, onRecovered }: LogOutputOptions): LogOutput {
  let buffered = "";
  let bufferedEntries = 0;
  let dropped = 0;
  let state: "ready" | "in flight" | "retrying" = "ready";

  function drop(entries: number): void {
    dropped += entries;
    onDropped(entries);
  }

  function send(): void {
    if (state === "in flight" || buffered === "") return;
    const [batch, entries] = [buffered, bufferedEntries];
    try {
      const writing = sink.write(batch);
      buffered = "";
      bufferedEntries = 0;
      state = "ready";
      if (writing instanceof Promise) waitFor(writing, entries);
      else reportDropped();
    } catch {
      // The pipe has no reader, or the disk is full.
      retryLater();
    }
  }

  function waitFor(writing: Promise<number>, entries: number): void {
    state = "in flight";
    writing.then(
      () => {
        state = "ready";
        send();
        if (state === "ready") reportDropped();
      },
      () => {
        drop(entries);
        retryLater();
      },
    );
  }

  function retryLater(): void {
    state = "retrying";
    setTimeout(() => {
      if (state !== "retrying") return;
      state = "ready";
      send();
    }, retryMs).unref();
  }

  function reportDropped(): void {
    if (dropped === 0) return;
    const entries = dropped;
    dropped = 0;
    onRecovered(entries);
  }

  process.on("exit", send);

  return {
    write(entry) {
      if (buffered.length + entry.length > bufferedCharactersMax) return drop(1);
      if (buffered === "" && state === "ready") setImmediate(send);
      buffered += entry;
      bufferedEntries += 1;
    },

    async flush() {
      const deadline = performance.now() + flushMs;
      send();
      while ((buffered !== "" || state === "in flight") && performance.now() < deadline)
        await Bun.sleep(flushPollMs);
    },
  };
}
