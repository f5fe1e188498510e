import pino, { type DestinationStream, type Logger } from "pino";

export type { Logger } from "pino";

export interface LogOptions {
  readonly level: string;
  readonly format: "json" | "pretty";
}

/**
 * Writes to standard output, one JSON object a line, or coloured text on a terminal. What goes into a line
 * is chosen where it is logged: names, codes and counts, never a body, a token, a login id or a driver's
 * message, which may quote data.
 */
export async function createLogger({ level, format }: LogOptions): Promise<Logger> {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (format === "json") return pino(options, batchLines(standardOutput()));
  const { default: pretty } = await import("pino-pretty");
  return pino(options, pretty({ sync: true, translateTime: "SYS:HH:MM:ss", singleLine: true }));
}

/** So much is kept of what cannot be written now, such as to a full disk; what comes beyond it is lost. */
const unwrittenCharactersMax = 1 << 20;

/** Requests go on whatever becomes of their lines: what could not be written is tried again with the next ones. */
function standardOutput(): DestinationStream {
  const destination = pino.destination({ fd: 1, sync: true, maxLength: unwrittenCharactersMax });
  destination.on("error", () => {});
  return destination;
}

/** The lines of one turn of the event loop travel in one write: one each would be a tenth of what a `set` costs. */
function batchLines(destination: DestinationStream): DestinationStream {
  let lines = "";
  function flush(): void {
    const batch = lines;
    lines = "";
    if (batch !== "") destination.write(batch);
  }
  process.on("exit", flush);
  return {
    write(line) {
      if (lines === "") setImmediate(flush);
      lines += line;
    },
  };
}
