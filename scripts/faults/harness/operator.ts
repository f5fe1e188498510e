import { join } from "node:path";
import { temporaryFolder } from "../../servers/temporary-folder.ts";
import type { Proxies, World } from "./world.ts";

/** Who runs `bun run sync` while sidecars serve: a real process for each run, all in one folder. */
export interface Operator extends Disposable {
  /** Its way to both servers. */
  readonly proxies: Proxies;
  /** Runs it to its end. */
  sync(...words: string[]): Promise<SyncRun>;
  /** SIGKILL so long after it has first told how far it is. A run that was over before is returned as it ended. */
  syncKilled(afterMs: number, ...words: string[]): Promise<SyncRun>;
  /** SIGKILL as soon as the promise resolves. */
  syncKilledWhen(reached: Promise<unknown>, ...words: string[]): Promise<SyncRun>;
}

export interface SyncRun {
  readonly words: readonly string[];
  readonly exit: number | string;
  /** The summary's figures; empty of a run that was killed. */
  readonly figures: Readonly<Record<string, number>>;
  /** The login ids that it listed as different. */
  readonly differing: readonly string[];
  readonly stderr: string;
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

const command = join(import.meta.dir, "../../sync/index.ts");

export async function createOperator(world: Pick<World, "openWay">): Promise<Operator> {
  const folder = temporaryFolder();
  const { settings, proxies } = await world.openWay();

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

/** Returns all that it wrote to standard error. `onProgress` is called once the first items are counted. */
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

/** With `--json`, a line for each login id that differs, and last the summary. */
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
