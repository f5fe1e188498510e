import { isatty } from "node:tty";
import pino, { type Logger } from "pino";
import { createLogOutput, type LogOutput } from "./log-output.ts";
import { openStandardOutput } from "./standard-output.ts";

export type { Logger } from "pino";

export interface LogOptions {
  readonly level: string;
  /** `null` means `pretty` on a terminal and `json` elsewhere. */
  readonly format: "json" | "pretty" | null;
  /** Called with the number of entries that are lost because standard output cannot be written. */
  readonly onDropped: (entries: number) => void;
}

export interface Log {
  readonly logger: Logger;
  /** Where the logger writes. */
  readonly output: LogOutput;
  readonly isPretty: boolean;
}

/**
 * Opens the log on standard output: one JSON object a line, or colored text for a terminal. Callers log names, codes
 * and counts only, never a body, a token, a login id, or the message of a driver, which may quote data.
 */
export async function openLog({ level, format, onDropped }: LogOptions): Promise<Log> {
  const isPretty = (format ?? (isatty(1) ? "pretty" : "json")) === "pretty";
  const output = createLogOutput({
    sink: openStandardOutput(),
    onDropped,
    onRecovered: (entries) =>
      logger.error({ entries }, "log entries were dropped while standard output could not be written"),
  });
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(options, isPretty ? await prettified(output) : output);
  return { logger, output, isPretty };
}

async function prettified(output: LogOutput): Promise<Pick<LogOutput, "write">> {
  const { prettyFactory } = await import("pino-pretty");
  const prettify = prettyFactory({ translateTime: "SYS:HH:MM:ss", singleLine: true });
  return { write: (line) => output.write(prettify(line)) };
}
