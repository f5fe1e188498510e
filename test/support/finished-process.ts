export interface ProgramOptions {
  readonly cwd?: string;
  /** The environment besides PATH. Nothing else of this process is inherited. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Standard input. */
  readonly input?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface FinishedProcess {
  /** `null` if a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function runProgram(
  argv: readonly string[],
  { environment, input = "", ...options }: ProgramOptions = {},
): Promise<FinishedProcess> {
  const child = Bun.spawn([...argv], {
    ...options,
    env: { PATH: process.env.PATH, ...environment },
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { status: child.exitCode, stdout, stderr };
}
