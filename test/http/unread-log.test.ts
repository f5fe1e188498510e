import { expect, test } from "bun:test";
import { join } from "node:path";
import { makeFifo, openFifo } from "../support/fifo.ts";
import { freePort } from "../support/free-port.ts";
import { createSignedClient } from "../support/signed-client.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { createTickingClock } from "../support/ticking-clock.ts";
import { eventually } from "../support/waiting.ts";

const sharedSecret = Buffer.from("a shared secret of thirty-two b.");
const entry = join(import.meta.dir, "../../src/index.ts");

/** A sidecar whose standard output goes where the shell's redirection or pipe says. */
async function startSidecar(folder: string, output: string, environment: Record<string, string> = {}) {
  const [port, opsPort] = [await freePort(), await freePort()];
  const child = Bun.spawn(["sh", "-c", `exec "$0" "$1" ${output}`, process.execPath, entry], {
    // A process group of its own, since a shell with a pipe in it does not pass a signal on.
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
    fetch(`${opsUrl}/readyz`)
      .then(({ ok }) => ok)
      .catch(() => false);
  expect(await eventually(isReady, true)).toBe(true);
  const baseUrl = `http://127.0.0.1:${port}/ownid`;
  const client = createSignedClient({ baseUrl, sharedSecret, now: createTickingClock() });
  const end = () => process.kill(-child.pid, "SIGKILL");
  return { child, client, opsUrl, end };
}

test("a sidecar whose log nobody reads answers requests and probes, counts what it drops, and drains", async () => {
  using folder = temporaryFolder();
  makeFifo(folder.at("log"));
  using reader = openFifo(folder.at("log"));
  reader.fill();
  const { child, client, opsUrl } = await startSidecar(folder.path, `>"${folder.at("log")}"`);
  const forged = Buffer.alloc(32).toString("base64");
  for (let sent = 0; sent < 300; sent += 1) {
    const request = client.sign("getOwnIDDataByLoginId", { loginId: "sol@testmail.com" });
    const headers = { ...request.headers, "ownid-signature": forged };
    expect((await client.send({ ...request, headers })).status).toBe(401);
  }
  expect((await client.get("sol@testmail.com")).status).toBe(204);
  expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
  expect(await (await fetch(`${opsUrl}/metrics`)).text()).toContain(
    'ownid_log_events_total{event="dropped"} 0',
  );
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});

test.each(["json", "pretty"])("a sidecar outlives the reader of its %s log", async (format) => {
  using folder = temporaryFolder();
  const reader = `| head -n 1 >"${folder.at("first-line")}"`;
  const { client, opsUrl, end } = await startSidecar(folder.path, reader, { LOG_FORMAT: format });
  await eventually(() => Bun.file(folder.at("first-line")).exists(), true);
  for (let sent = 0; sent < 20; sent += 1) {
    expect((await client.set("sol@testmail.com", `data ${sent}`)).status).toBe(204);
  }
  expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
  end();
});
