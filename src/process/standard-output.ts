import { constants, openSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import { codeOf } from "../error-code.ts";
import type { Sink } from "./log-output.ts";

/** How soon a terminal that accepts nothing is retried. */
const retryMs = 50;

/** Opens standard output so that writing never blocks the process, wherever it leads. */
export function openStandardOutput(): Sink {
  return (isatty(1) ? openTerminal() : null) ?? openWriter();
}

/** Bun's writer makes a pipe or a socket non-blocking, and it survives errors: a FIFO may get a new reader. */
function openWriter(): Sink {
  const writer = Bun.stdout.writer();
  return {
    write(text) {
      const written = writer.write(text);
      return written instanceof Promise ? written : writer.flush();
    },
  };
}

/**
 * A terminal that is stopped with Ctrl-S would block Bun's writer. The terminal is opened again in non-blocking mode,
 * which does not affect other programs on it. Returns `null` if it cannot be opened.
 */
function openTerminal(): Sink | null {
  let terminal: number;
  try {
    terminal = openSync("/proc/self/fd/1", constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
  return {
    write(text) {
      const bytes = Buffer.from(text);
      const written = writeSync(terminal, bytes);
      return written === bytes.length ? written : writeRest(terminal, bytes, written);
    },
  };
}

async function writeRest(terminal: number, bytes: Buffer, begun: number): Promise<number> {
  let written = begun;
  while (written < bytes.length) {
    await Bun.sleep(retryMs);
    try {
      written += writeSync(terminal, bytes, written);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") throw error;
    }
  }
  return written;
}
