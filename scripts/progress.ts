import { withRunner } from "../src/process/greeting.ts";
import { columnsOf } from "./columns.ts";

/**
 * The one display of progress, on standard error, and the way to print beside it: on a terminal a few lines that are
 * rewritten, elsewhere a line of JSON a second. Whatever a command prints while it works goes through `print` and
 * `tell`, which take the display away first.
 */

/** How far the work is. */
export interface Snapshot {
  /** For a terminal; what does not fit is cut off. */
  readonly lines: readonly string[];
  /** For whatever else reads standard error. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Progress {
  /** Takes the display away. */
  end(): void;
}

const terminalMs = 200;
const otherwiseMs = 1000;
const usualRows = 24;

/** How many lines of the display the terminal shows at the moment, above the cursor. */
let linesShown = 0;

/** Shows a new snapshot every so many milliseconds, the first one after that time, until it ends. */
export function startProgress(look: () => Snapshot, everyMs = terminalMs): Progress {
  const isTerminal = process.stderr.isTTY === true;
  let told = "";

  function show(): void {
    const { lines, facts } = look();
    const line = `${JSON.stringify(facts)}\n`;
    if (isTerminal) draw(lines);
    else if (line !== told) process.stderr.write(line);
    told = line;
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

/** Shows what is being done, until the next step or, with an empty text, the end. */
export function showStep(text: string): void {
  step = text;
  if (text !== "") steps ??= startProgress(() => ({ lines: [step], facts: { step } }));
  else {
    steps?.end();
    steps = null;
  }
}

/** Writes whole lines to standard output. */
export function print(text: string): void {
  if (process.stdout.isTTY) hide();
  process.stdout.write(text);
}

/** Writes whole lines to standard error, with commands as this machine's user types them. */
export function tell(text: string): void {
  hide();
  process.stderr.write(withRunner(text));
}

function draw(lines: readonly string[]): void {
  const columns = columnsOf(process.stderr);
  const rows = process.stderr.rows || usualRows;
  hide();
  // A line that wraps, or that scrolls away, could not be taken back.
  const fitting = lines.slice(0, rows - 1).map((line) => `${Bun.sliceAnsi(line, 0, columns - 1)}\n`);
  process.stderr.write(fitting.join(""));
  linesShown = fitting.length;
}

function hide(): void {
  if (linesShown > 0) process.stderr.write(`\r\x1b[${linesShown}A\x1b[0J`);
  linesShown = 0;
}
