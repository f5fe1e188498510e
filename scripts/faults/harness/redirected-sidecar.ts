import { join } from "node:path";
import { fetchDirect } from "../../client/fetch-direct.ts";
import { createSignedClient } from "../../client/signed-client.ts";
import { createTickingClock } from "../../client/ticking-clock.ts";
import { freePort } from "../../servers/free-port.ts";
import { eventually } from "../../servers/waiting.ts";

const sharedSecret = Buffer.from("a shared secret of thirty-two b.");
const entry = join(import.meta.dir, "../../../src/index.ts");
const readyMs = 10_000;

/** Starts a sidecar over its demo database, with its standard output redirected or piped as the shell is told. */
export async function startRedirected(
  folder: string,
  output: string,
  environment: Readonly<Record<string, string>> = {},
) {
  const [port, opsPort] = [await freePort(), await freePort()];
  const child = Bun.spawn(["sh", "-c", `exec "$0" "$1" ${output}`, process.execPath, entry], {
    // Start a process group, since a shell with a pipe does not pass signals on.
    detached: true,
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      OPS_PORT: String(opsPort),
      OWNID_SHARED_SECRET: sharedSecret.toString("base64"),
      DRAIN_SECONDS: "0",
      ...environment,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const isReady = () =>
    fetchDirect(`${opsUrl}/readyz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  if (!(await eventually(isReady, true, readyMs))) throw new Error(`no sidecar is ready at ${opsUrl}`);
  const baseUrl = `http://127.0.0.1:${port}/ownid`;
  return {
    opsUrl,
    client: createSignedClient({ baseUrl, sharedSecret, now: createTickingClock() }),
    metrics: async () => (await fetchDirect(`${opsUrl}/metrics`)).text(),

    /** Ends it as a service manager does, and returns its exit status. */
    async terminate(): Promise<number> {
      child.kill("SIGTERM");
      return child.exited;
    },

    async [Symbol.asyncDispose]() {
      // The group contains what the shell has started, too.
      if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
      await child.exited;
    },
  };
}

export type RedirectedSidecar = Awaited<ReturnType<typeof startRedirected>>;
