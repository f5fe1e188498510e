import { withRunner } from "../src/process/greeting.ts";
import { columnsOf } from "./columns.ts";

/**
 * The only display of progress, on standard error. On a terminal it is a few lines that are rewritten; elsewhere it is a
 * line of JSON a second. Whatever a command prints while it works must go through `print` and `tell`, which remove the
 * display first.
 */

/** How far the work has come. */
export interface Snapshot {
  /** For a terminal. Whatever does not fit is cut off. */
  readonly lines: readonly string[];
  /** For everything else that reads standard error. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Progress {
  /** Removes the display. */
  end(): void;
}

const terminalMs = 200;
const otherwiseMs = 1000;
const usualRows = 24;

/** How many lines of the display are on the terminal now, above the cursor. */
let linesShown = 0;

/** Shows a new snapshot at this interval, first after one interval, until it ends. */
export function startProgress(look: () => Snapshot, everyMs = terminalMs): Progress {
  const isTerminal = process.stderr.isTTY === true;
  let lastLine = "";

  function show(): void {
    const { lines, facts } = look();
    const line = `${JSON.stringify(facts)}\n`;
    if (isTerminal) draw(lines);
    else if (line !== lastLine) process.stderr.write(line);
    lastLine = line;
  }

  const timer = setInterval(show, isTerminal ? everyMs : otherwiseMs);
  return {
    end() {
      clearInterval(timer);
      hide();
    },
  };
}

let step = "";
let steps: Progress | null = null;

/** Shows what is being done until the next step. An empty text ends the display. */
export function showStep(text: string): void {
  step = text;
  if (text !== "") steps ??= startProgress(() => ({ lines: [step], facts: { step } }));
  else {
    steps?.end();
    steps = null;
  }
}

/** Writes complete lines to standard output. */
export function print(text: string): void {
  if (process.stdout.isTTY) hide();
  process.stdout.write(text);
}

/** Writes complete lines to standard error. Commands are written as the user of this machine types them. */
export function tell(text: string): void {
  hide();
  process.stderr.write(withRunner(text));
}

function draw(lines: readonly string[]): void {
  const columns = columnsOf(process.stderr);
  const rows = process.stderr.rows || usualRows;
  hide();
  // A line that wraps or scrolls away could not be removed.
  const fitting = lines.slice(0, rows - 1).map((line) => `${Bun.sliceAnsi(line, 0, columns - 1)}\n`);
  process.stderr.write(fitting.join(""));
  linesShown = fitting.length;
}

function hide(): void {
  if (linesShown > 0) process.stderr.write(`\r\x1b[${linesShown}A\x1b[0J`);
  linesShown = 0;
}
