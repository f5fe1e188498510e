export interface Progress {
  advance(items: number): void;
  /** Shows the last state, or nothing if the work was over within a second. */
  end(): void;
}

export interface ProgressOptions {
  /** What is being done, in a word or two. */
  readonly step: string;
  /** What is counted, in the plural. */
  readonly items: string;
  /** `null` = nobody knows. */
  readonly total: number | null;
  /** How many were done before this run. */
  readonly before?: number;
}

const terminalMs = 200;
const logMs = 1000;

/** Shows on standard error how far the work is: a line that is rewritten on a terminal, else one of JSON a second. */
export function showProgress({ step, items, total, before = 0 }: ProgressOptions): Progress {
  const isTerminal = process.stderr.isTTY === true;
  const startedAt = performance.now();
  let done = before;
  let isShown = false;

  function show(isOver: boolean): void {
    const seconds = (performance.now() - startedAt) / 1000;
    const perSecond = Math.round((done - before) / seconds);
    const secondsLeft =
      isOver || total === null || perSecond === 0 ? null : Math.ceil(Math.max(0, total - done) / perSecond);
    isShown = true;
    if (!isTerminal) {
      process.stderr.write(`${JSON.stringify({ step, [items]: done, total, perSecond, secondsLeft })}\n`);
      return;
    }
    const share =
      total === null || total === 0 ? "" : `${Math.min(100, (100 * done) / total).toFixed(1)} %  `;
    const of = total === null ? "" : ` of ${count(total)}`;
    const left = secondsLeft === null ? "" : `  ${duration(secondsLeft)} left`;
    process.stderr.write(
      `\r\x1b[2K${step}  ${share}${count(done)}${of} ${items}  ${count(perSecond)}/s${left}`,
    );
  }

  const timer = setInterval(() => show(false), isTerminal ? terminalMs : logMs);
  return {
    advance(more) {
      done += more;
    },
    end() {
      clearInterval(timer);
      if (!isShown) return;
      show(true);
      if (isTerminal) process.stderr.write("\n");
    },
  };
}

/** `1234567` as `1,234,567`. */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** `3725` as `1 h 2 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
