import { join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { t } from "elysia";
import type { Environment } from "../../../src/config/setting-reader.ts";
import { tell } from "../../progress.ts";

const entry = join(import.meta.dir, "sidecar-child.ts");
const readyMs = 20_000;

const LogLine = t.Object({
  level: t.String(),
  msg: t.String(),
  url: t.Optional(t.String()),
  requestId: t.Optional(t.String()),
});
const grave = ["warn", "error", "fatal"];

export interface StartedSidecar {
  readonly baseUrl: string;
  readonly opsUrl: string;
  stop(): Promise<void>;
}

/** The sidecar did not start. `message` ends with what it said. */
export class SidecarNotStarted extends Error {}

/**
 * Starts the sidecar of this project with these settings and resolves once both its listeners are ready. Its warnings
 * and errors are told. It runs in a process group of its own: a Ctrl-C is for the emulator, which ends it last.
 *
 * @throws {SidecarNotStarted}
 */
export async function startSidecar(environment: Environment, cwd: string): Promise<StartedSidecar> {
  const child = Bun.spawn([process.execPath, entry], {
    cwd,
    env: { ...environment, LOG_LEVEL: "info", LOG_FORMAT: "json", DRAIN_SECONDS: "0" },
    detached: true,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const urls: Record<string, string> = {};
  const ready = Promise.withResolvers<void>();

  function onLine(line: string): void {
    const entry = entryOf(line);
    if (entry === null) return;
    const { level, msg, url, requestId } = entry;
    // What becomes of a request is shown with its call.
    if (grave.includes(level) && requestId === undefined) tell(`sidecar: ${msg}\n`);
    if (url !== undefined) urls[msg] = url;
    if ("public listener ready" in urls && "ops listener ready" in urls) ready.resolve();
  }

  const followed = eachLine(child.stdout, onLine);
  const complaints = child.stderr.text();
  const ended = child.exited.then(async () => {
    await followed;
    throw new SidecarNotStarted(`The sidecar ended before it was ready:\n${await complaints}`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([ready.promise, ended, giveUp()]);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  const { "public listener ready": baseUrl = "", "ops listener ready": opsUrl = "" } = urls;
  return {
    baseUrl,
    opsUrl,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

async function giveUp(): Promise<never> {
  await Bun.sleep(readyMs);
  throw new SidecarNotStarted(`The sidecar was not ready within ${readyMs / 1000} s.`);
}

async function eachLine(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
}

function entryOf(line: string) {
  try {
    const content: unknown = JSON.parse(line);
    return Value.Check(LogLine, content) ? content : null;
  } catch {
    return null;
  }
}
