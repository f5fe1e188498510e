import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { createTickingClock } from "../../scripts/client/ticking-clock.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";

const source = join(import.meta.dir, "../../src/index.ts");
const startMs = 10_000;

export type SidecarProcess = ReturnType<typeof spawnSidecar>;

/**
 * Starts `bun src/index.ts`, or a built sidecar, as a process in a new folder. It uses free ports unless the
 * environment says otherwise, and inherits nothing from this process's environment. `files` are created in the folder
 * first. `await using` ends the process and deletes the folder.
 */
export function spawnSidecar(
  environment: Readonly<Record<string, string>> = {},
  entry = source,
  files: Readonly<Record<string, string | Uint8Array>> = {},
) {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(folder.at(name)), { recursive: true });
    writeFileSync(folder.at(name), content);
  }
  const child = Bun.spawn([process.execPath, entry], {
    cwd: folder.path,
    env: { PATH: process.env.PATH ?? "", PORT: "0", OPS_PORT: "0", ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { stdout: "", stderr: "" };
  const collected = Promise.all([collect("stdout"), collect("stderr")]);

  async function collect(stream: "stdout" | "stderr"): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of child[stream]) output[stream] += decoder.decode(chunk, { stream: true });
  }

  /** Returns the log so far, line by line. */
  function logLines(): Record<string, unknown>[] {
    const completeLines = output.stdout.slice(0, output.stdout.lastIndexOf("\n") + 1);
    return completeLines
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  /** Resolves with the first line of the log that has this message. */
  async function logged(message: string): Promise<Record<string, unknown>> {
    const deadline = performance.now() + startMs;
    for (;;) {
      const line = logLines().find(({ msg }) => msg === message);
      if (line !== undefined) return line;
      if (performance.now() > deadline || child.exitCode !== null) {
        throw new Error(`never logged "${message}":\n${output.stdout}${output.stderr}`);
      }
      await Bun.sleep(5);
    }
  }

  return {
    folder,
    output,
    logLines,
    logged,
    signal: (name: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGHUP") => child.kill(name),

    /** Returns both addresses when both listeners have logged that they are ready. */
    async ready() {
      const [publicLine, opsLine] = [
        await logged("public listener ready"),
        await logged("ops listener ready"),
      ];
      return { baseUrl: String(publicLine.url), opsUrl: String(opsLine.url) };
    },

    /** Creates a client that signs with the secret that the process has generated. */
    clientAt(baseUrl: string) {
      const path = folder.at("data/shared-secret");
      const secret = existsSync(path) ? readFileSync(path, "utf8") : "";
      return createSignedClient({
        baseUrl,
        sharedSecret: new Uint8Array(Buffer.from(secret, "base64")),
        now: createTickingClock(),
      });
    },

    /** Returns the exit status or signal after all output has been read. */
    async ended(): Promise<number | string> {
      await collected;
      await child.exited;
      return child.signalCode ?? child.exitCode ?? "still running";
    },

    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      folder[Symbol.dispose]();
    },
  };
}
