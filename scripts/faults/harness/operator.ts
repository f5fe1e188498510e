import { join } from "node:path";
import { temporaryFolder } from "../../servers/temporary-folder.ts";
import type { Proxies, World } from "./world.ts";

/** An operator who runs `bun run sync` while sidecars serve. Each run is a real process, and all run in one folder. */
export interface Operator extends Disposable {
  /** The proxies through which it reaches both servers. */
  readonly proxies: Proxies;
  /** Runs the command to its end. */
  sync(...words: string[]): Promise<SyncRun>;
  /**
   * Kills the command with SIGKILL, this long after its first progress message. If it ended before, its result is
   * returned.
   */
  syncKilled(afterMs: number, ...words: string[]): Promise<SyncRun>;
  /** Kills the command with SIGKILL as soon as the promise resolves. */
  syncKilledWhen(reached: Promise<unknown>, ...words: string[]): Promise<SyncRun>;
}

export interface SyncRun {
  readonly words: readonly string[];
  readonly exit: number | string;
  /** The numbers of the summary; empty if the run was killed. */
  readonly figures: Readonly<Record<string, number>>;
  /** The login ids that it listed as different. */
  readonly differing: readonly string[];
  readonly stderr: string;
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

const command = join(import.meta.dir, "../../sync/index.ts");

export async function createOperator(world: Pick<World, "openRoute">): Promise<Operator> {
  const folder = temporaryFolder();
  const { settings, proxies } = await world.openRoute();

  async function run(words: readonly string[], onProgress: (child: Child) => void): Promise<SyncRun> {
    const child = Bun.spawn([process.execPath, command, ...words, "--json"], {
      cwd: folder.path,
      env: { PATH: process.env.PATH ?? "", ...settings },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const stderr = readProgress(child, onProgress);
    const [stdout, complaints] = await Promise.all([child.stdout.text(), stderr, child.exited]);
    const exit = child.signalCode ?? child.exitCode ?? "still running";
    return { words, exit, ...readLines(stdout), stderr: complaints };
  }

  return {
    proxies,
    sync: (...words) => run(words, () => {}),
    syncKilled: (afterMs, ...words) =>
      run(words, (child) => setTimeout(() => child.kill("SIGKILL"), afterMs)),
    syncKilledWhen: (reached, ...words) =>
      run(words, (child) => void reached.then(() => child.kill("SIGKILL"))),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/**
 * Returns everything that the command wrote to standard error. `onProgress` is called when the first items have been
 * counted.
 */
async function readProgress(child: Child, onProgress: (child: Child) => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let isTold = false;
  for await (const chunk of child.stderr) {
    text += decoder.decode(chunk, { stream: true });
    if (isTold || !text.includes('"perSecond"')) continue;
    isTold = true;
    onProgress(child);
  }
  return text;
}

/** Parses the output of `--json`, which has a line for each login id that differs, followed by the summary. */
function readLines(stdout: string): Pick<SyncRun, "figures" | "differing"> {
  const figures: Record<string, number> = {};
  const differing: string[] = [];
  for (const line of stdout.split("\n").filter((text) => text.endsWith("}"))) {
    const parsed: Record<string, unknown> = JSON.parse(line);
    if (parsed.loginId !== undefined) differing.push(String(parsed.loginId));
    else for (const [name, value] of Object.entries(parsed)) figures[name] = Number(value);
  }
  return { figures, differing };
}
