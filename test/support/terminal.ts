export interface TerminalRun {
  readonly columns?: number;
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with everything that has been shown so far, whenever there is more. */
  readonly onOutput?: (output: string, type: (keys: string) => void) => void;
}

/** Runs a command to its end on a new terminal, as a person would, without this process's environment. */
export async function runOnTerminal(
  argv: readonly string[],
  { columns = 80, cwd, environment = {}, onOutput }: TerminalRun = {},
): Promise<{ status: number | string; output: string; screen: string }> {
  const decoder = new TextDecoder();
  let output = "";
  const closed = Promise.withResolvers<void>();
  const child = Bun.spawn([...argv], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env.PATH ?? "", TERM: "xterm", NO_COLOR: "1", ...environment },
    // The terminal is created with the child and not shared, so that its end is reported only after everything has been
    // read.
    terminal: {
      cols: columns,
      rows: 24,
      data(shown, data) {
        output += decoder.decode(data, { stream: true });
        onOutput?.(output, (keys) => shown.write(keys));
      },
      exit: () => closed.resolve(),
    },
  });
  await Promise.all([child.exited, closed.promise]);
  return { status: child.signalCode ?? child.exitCode ?? "still running", output, screen: screenOf(output) };
}

/**
 * Returns what remains visible after this output. It understands line ends, "cursor up" and "clear from here on" only.
 */
function screenOf(output: string): string {
  const lines: string[] = [];
  let [row, column] = [0, 0];
  for (const [token, up] of output.replaceAll("\x1b", "␛").matchAll(/␛\[(\d+)A|␛\[0J|[\r\n]|[^\r\n␛]+/g)) {
    const line = lines[row] ?? "";
    if (up !== undefined) row -= Number(up);
    else if (token === "␛[0J") lines.splice(row, lines.length, line.slice(0, column));
    else if (token === "\r") column = 0;
    else if (token === "\n") row += 1;
    else {
      lines[row] = line.slice(0, column).padEnd(column) + token + line.slice(column + token.length);
      column += token.length;
    }
  }
  return Array.from({ length: row + 1 }, (_, index) => lines[index] ?? "").join("\n");
}
