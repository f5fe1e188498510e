import { eventually } from "../../scripts/servers/waiting.ts";

export interface GuideServerOptions {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly port: number;
}

/**
 * Starts a server of the guide as a process of its own, and resolves once it answers. `await using` kills it.
 *
 * @throws {Error} it does not answer; the message is what it wrote on standard error
 */
export async function startGuideServer({ argv, cwd, environment, port }: GuideServerOptions) {
  const child = Bun.spawn([...argv], {
    cwd,
    ...(environment === undefined ? {} : { env: { PATH: process.env.PATH ?? "", ...environment } }),
    stdout: "ignore",
    stderr: "pipe",
  });
  const origin = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(origin).then(
      () => true,
      () => false,
    );

  async function end(): Promise<void> {
    child.kill("SIGKILL");
    await child.exited;
  }

  if (!(await eventually(answers, true, 20_000))) {
    await end();
    throw new Error(await child.stderr.text());
  }
  return {
    ask: (path: string, init?: RequestInit) => fetch(origin + path, init),
    [Symbol.asyncDispose]: end,
  };
}
