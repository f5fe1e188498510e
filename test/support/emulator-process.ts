import { join } from "node:path";
import type { Addresses, ControlAnswer } from "../../scripts/emulator/api/control-api.ts";
import type { Failure } from "../../scripts/emulator/api/failure.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";

const command = join(import.meta.dir, "../../scripts/emulator/index.ts");

export interface EmulatorRun {
  readonly options?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The folder in which it runs. The default is a new folder. */
  readonly cwd?: string;
}

export interface JsonAnswer<Body> {
  readonly status: number;
  /** Empty if the answer has no body. */
  readonly body: Body;
}

/** The body of the control API's answer: devices and a session of the sidecar, or a failure. */
export interface ControlBody extends Partial<Failure>, Partial<Omit<ControlAnswer, "session">> {
  readonly session: { readonly token: string };
}

export type EmulatorProcess = Awaited<ReturnType<typeof startEmulator>>;

/**
 * Starts `bun run emulator exec` with a command that lasts until `end`. It starts its own sidecar and the emulator on
 * free ports. `await using` ends it.
 */
export async function startEmulator({ options = [], environment = {}, cwd }: EmulatorRun = {}) {
  const folder = temporaryFolder();
  const child = Bun.spawn([process.execPath, command, "exec", "--json", ...options, "--", "cat"], {
    cwd: cwd ?? folder.path,
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  const addresses = await firstLine(child.stderr);

  async function send<Body = Partial<Failure>>(
    method: string,
    path: string,
    content?: unknown,
    headers = {},
  ): Promise<JsonAnswer<Body>> {
    const response = await fetch(`${addresses.url}${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
    });
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text || "{}") };
  }

  const control = (action: string) => (loginId: string, device: string) =>
    send<ControlBody>("POST", `/control/${action}`, { loginId, device });

  return {
    addresses,
    folder,
    control: {
      register: control("register"),
      login: control("login"),
      enrol: control("enrol"),
      recover: control("recover"),
      removeDevice: control("remove-device"),
    },
    get: <Body = Partial<Failure>>(path: string, headers = {}) => send<Body>("GET", path, undefined, headers),
    post: <Body = Partial<Failure>>(path: string, content: unknown, headers = {}) =>
      send<Body>("POST", path, content, headers),
    /** Ends the command and returns the exit status. */
    async end(): Promise<number> {
      child.stdin.end();
      return await child.exited;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await child.exited;
      folder[Symbol.dispose]();
    },
  };
}

/** Returns the names of the devices in an answer of the control API. */
export const namesOf = ({ body }: JsonAnswer<ControlBody>) => body.devices?.map(({ name }) => name);

/** Returns the status of a failure with its code, and its scope if there is one. */
export function failureOf({ status, body }: JsonAnswer<Partial<Failure>>): readonly unknown[] {
  return [status, body.errorCode, body.scope].filter((part) => part !== undefined);
}

/** Reads the addresses, which are the first line of the output. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<Addresses> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const line = text.split("\n").find((candidate) => candidate.startsWith("{") && candidate.endsWith("}"));
    if (line !== undefined) return JSON.parse(line);
  }
  throw new Error(`the emulator did not start:\n${text}`);
}
