import pino, { type Logger } from "pino";
import type { LogOutput } from "./log-output.ts";

export type { Logger } from "pino";

export interface LogOptions {
  readonly level: string;
  readonly format: "json" | "pretty";
  readonly output: LogOutput;
}

/**
 * Writes one JSON object a line, or coloured text for a terminal. The caller chooses what goes into a line: names,
 * codes and counts, never a body, a token, a login id or a driver's message, which may quote data.
 */
export async function createLogger({ level, format, output }: LogOptions): Promise<Logger> {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (format === "json") return pino(options, output);
  const { prettyFactory } = await import("pino-pretty");
  const prettify = prettyFactory({ translateTime: "SYS:HH:MM:ss", singleLine: true });
  return pino(options, { write: (line) => output.write(prettify(line)) });
}
