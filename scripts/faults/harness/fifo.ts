import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { codeOf } from "../../../src/error-code.ts";

/** The reading end of a FIFO. It is read only when a test asks for it. */
export interface FifoReader {
  /** Fills the FIFO itself, so that the next writer blocks. */
  fill(): void;
  /** Returns what the FIFO contains, and thereby makes room for as much. */
  read(): string;
  [Symbol.dispose](): void;
}

/** Creates a FIFO (a named pipe). */
export function makeFifo(path: string): void {
  if (!Bun.spawnSync(["mkfifo", path]).success) throw new Error(`mkfifo ${path} failed`);
}

export function openFifo(path: string): FifoReader {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(1 << 16);
  return {
    fill() {
      const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      for (const size of [4096, 1]) untilFull(() => writeSync(writer, " ".repeat(size)));
      closeSync(writer);
    },
    read() {
      let text = "";
      untilFull(() => {
        const bytes = readSync(reader, buffer);
        text += buffer.toString("utf8", 0, bytes);
        return bytes;
      });
      return text;
    },
    [Symbol.dispose]: () => closeSync(reader),
  };
}

/** Repeats until no more bytes can be moved, because the FIFO is full or empty or has no writer. */
function untilFull(move: () => number): void {
  try {
    while (move() > 0);
  } catch (error) {
    if (codeOf(error) !== "EAGAIN") throw error;
  }
}
