import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { freePort } from "../../scripts/servers/free-port.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";

setDefaultTimeout(30_000);

const entry = join(import.meta.dir, "../../src/index.ts");
const clockTicksPerSecond = 100;
const noProc = !existsSync("/proc/self/limits");

/** A sidecar that may open 128 files. */
async function startLimited() {
  const folder = temporaryFolder();
  const [port, opsPort] = [await freePort(), await freePort()];
  const child = Bun.spawn(["sh", "-c", 'ulimit -n 128; exec "$0" "$1"', process.execPath, entry], {
    cwd: folder.path,
    env: { PATH: process.env.PATH, PORT: String(port), OPS_PORT: String(opsPort), LOG_FORMAT: "json" },
    stdin: "ignore",
    stdout: Bun.file(folder.at("log")),
    stderr: "ignore",
  });
  const isAnswered = (url: string) => () =>
    fetch(url, { keepalive: false, signal: AbortSignal.timeout(1000) })
      .then(({ ok }) => ok)
      .catch(() => false);
  const isReady = isAnswered(`http://127.0.0.1:${opsPort}/readyz`);
  expect(await eventually(isReady, true)).toBe(true);

  return {
    port,
    isReady,
    isAnswering: isAnswered(`http://127.0.0.1:${port}/.well-known/jwks.json`),

    /** CPU time that it takes within a second, in seconds: proc_pid_stat(5), fields 14 and 15. */
    async cpuOfOneSecond(): Promise<number> {
      const before = cpuSeconds(child.pid);
      await Bun.sleep(1000);
      return cpuSeconds(child.pid) - before;
    },

    /** The lines of its log about the limit. */
    async warnings(): Promise<Record<string, unknown>[]> {
      const text = await Bun.file(folder.at("log")).text();
      // The last line may still be in flight.
      const lines = text.split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line)).filter(({ limit }) => limit === 128);
    },

    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      folder[Symbol.dispose]();
    },
  };
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

function openConnection(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  return socket;
}

/** Sends one request, and keeps the connection open as a load balancer keeps it. */
function answered(socket: Socket): Promise<void> {
  socket.write("GET /.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  return new Promise((resolve) => socket.once("data", () => resolve()));
}

/** Sends a request of which one byte is missing. */
function beginRequest(socket: Socket) {
  const mac = `${"A".repeat(43)}=`;
  const head = `Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nownid-signature: ${mac}\r\n`;
  socket.write(
    `POST /ownid/getOwnIDDataByLoginId HTTP/1.1\r\n${head}ownid-timestamp: ${Date.now()}\r\n\r\n{`,
  );
  const closed = new Promise((resolve) => socket.once("close", () => resolve("closed without an answer")));
  return {
    finish() {
      const answer = new Promise((resolve) => socket.once("data", (data) => resolve(String(data))));
      socket.write("}");
      return Promise.race([answer, closed]);
    },
  };
}

const warning = { level: "error", msg: expect.stringContaining("ulimit -n") };

test
  .skipIf(noProc)
  .concurrent(
    "more connections than the limit of open files are all answered, without a burnt core, and the log says what to raise",
    async () => {
      await using sidecar = await startLimited();
      const sockets = Array.from({ length: 300 }, () => openConnection(sidecar.port));
      await Promise.all(sockets.map(answered));
      expect(await sidecar.cpuOfOneSecond()).toBeLessThan(0.5);
      expect(await sidecar.warnings()).toEqual([expect.objectContaining(warning)]);
      expect(await sidecar.isReady()).toBe(true);
      for (const socket of sockets) socket.destroy();
    },
  );

test
  .skipIf(noProc)
  .concurrent(
    "more connections than the limit of open files that never send a request burn no core, keep nobody out and disturb no request in flight",
    async () => {
      await using sidecar = await startLimited();
      const inFlight = beginRequest(openConnection(sidecar.port));
      const sockets = Array.from({ length: 300 }, () => openConnection(sidecar.port));
      // Linux hands a connection without data to the process after about two seconds.
      const warned = async () => (await sidecar.warnings()).length;
      expect(await eventually(warned, 1, 10_000)).toBe(1);
      expect(await inFlight.finish()).toContain("HTTP/1.1 401 ");
      expect(await eventually(sidecar.isAnswering, true)).toBe(true);
      expect(await sidecar.cpuOfOneSecond()).toBeLessThan(0.3);
      expect(await sidecar.isAnswering()).toBe(true);
      expect(await sidecar.isReady()).toBe(true);
      expect(await sidecar.warnings()).toEqual([expect.objectContaining(warning)]);
      for (const socket of sockets) socket.destroy();
    },
  );
