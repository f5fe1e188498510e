/** A user of this machine, for servers that refuse to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Returns the account that a server runs as: the one of its package, or `nobody`. Returns `null` if this process is
 * not root and cannot choose.
 */
export function serviceAccount(name: string): Account | null {
  if (process.getuid?.() !== 0) return null;
  return lookUpAccount(name) ?? lookUpAccount("nobody");
}

/** Returns the words that run a program with this environment only. */
export function withEnvironment(
  environment: Readonly<Record<string, string>>,
  argv: readonly string[],
): string[] {
  const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return ["env", "-i", ...assignments, ...argv];
}

/** Runs a program to its end and returns what it printed. @throws {Error} it fails; the error contains its output */
export async function runForOutput(
  argv: readonly string[],
  options: { cwd?: string; account?: Account | null; detached?: boolean } = {},
): Promise<string> {
  const child = Bun.spawn([...argv], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.account,
    detached: options.detached ?? false,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, complaints] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (child.exitCode === 0) return output;
  throw new Error(
    `${argv.join(" ")} failed (${child.exitCode ?? child.signalCode}):\n${output}${complaints}`,
  );
}

function lookUpAccount(name: string): Account | null {
  const id = (flag: "-u" | "-g") => Bun.spawnSync(["id", flag, name], { stderr: "ignore" });
  const [user, group] = [id("-u"), id("-g")];
  if (!user.success || !group.success) return null;
  return { uid: Number(user.stdout.toString()), gid: Number(group.stdout.toString()) };
}
