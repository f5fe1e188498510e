/** Where the log goes: standard output, which may be a pipe that nobody reads, a closed pipe or a full disk. */
export interface LogOutput {
  /** Takes one entry of the log, one or more whole lines. Never throws and never waits. */
  write(entry: string): void;
  /** Resolves once everything has been written, or after `flushMs` at the latest. */
  flush(): Promise<void>;
}

/** Throws, or rejects, when the file refuses what is written. A promise is pending while the file takes nothing. */
export interface Sink {
  write(text: string): number | Promise<number>;
}

export interface LogOutputOptions {
  readonly sink: Sink;
  /** Called for each batch of entries that is lost. */
  readonly onDropped: (entries: number) => void;
  /** Called when entries can be written again, with the number of those that were lost before. */
  readonly onRecovered: (entries: number) => void;
}

/** What is kept while it cannot be written; later entries are dropped. */
const keptCharactersMax = 1 << 20;
/** How soon a write that failed is tried again. */
const retryMs = 200;
const flushMs = 1000;
const flushPollMs = 10;

/**
 * Writes in the background. The entries of one turn of the event loop go out in one write, since a write for each
 * would cost a tenth of a `set`. While a write is in flight or has failed, entries are kept up to a limit, and dropped
 * and counted beyond it. What a failed write may already have written is written again.
 */
export function createLogOutput({ sink, onDropped, onRecovered }: LogOutputOptions): LogOutput {
  let kept = "";
  let keptEntries = 0;
  let dropped = 0;
  let state: "ready" | "in flight" | "retrying" = "ready";

  function drop(entries: number): void {
    dropped += entries;
    onDropped(entries);
  }

  function send(): void {
    if (state === "in flight" || kept === "") return;
    const [batch, entries] = [kept, keptEntries];
    try {
      const writing = sink.write(batch);
      kept = "";
      keptEntries = 0;
      state = "ready";
      if (writing instanceof Promise) waitFor(writing, entries);
      else reportDropped();
    } catch {
      // A pipe without a reader, or a full disk.
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
      if (kept.length + entry.length > keptCharactersMax) return drop(1);
      if (kept === "" && state === "ready") setImmediate(send);
      kept += entry;
      keptEntries += 1;
    },

    async flush() {
      const deadline = performance.now() + flushMs;
      send();
      while ((kept !== "" || state === "in flight") && performance.now() < deadline)
        await Bun.sleep(flushPollMs);
    },
  };
}
