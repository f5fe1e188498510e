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

/** CPU time that a process has taken, in seconds: proc_pid_stat(5), fields 14 and 15. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

/** A connection that asks once and is then kept, as a load balancer keeps it. */
function openConnection(port: number): { socket: Socket; answered: Promise<void> } {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  socket.write("GET /.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  return { socket, answered: new Promise((resolve) => socket.once("data", () => resolve())) };
}

test.skipIf(!existsSync("/proc/self/limits"))(
  "more connections than the limit of open files are all answered, without a burnt core, and the log says what to raise",
  async () => {
    using folder = temporaryFolder();
    const [port, opsPort] = [await freePort(), await freePort()];
    const child = Bun.spawn(["sh", "-c", 'ulimit -n 128; exec "$0" "$1"', process.execPath, entry], {
      cwd: folder.path,
      env: { PATH: process.env.PATH, PORT: String(port), OPS_PORT: String(opsPort), LOG_FORMAT: "json" },
      stdin: "ignore",
      stdout: Bun.file(folder.at("log")),
      stderr: "ignore",
    });
    const readyz = () =>
      fetch(`http://127.0.0.1:${opsPort}/readyz`)
        .then(({ ok }) => ok)
        .catch(() => false);
    expect(await eventually(readyz, true)).toBe(true);

    const connections = Array.from({ length: 300 }, () => openConnection(port));
    await Promise.all(connections.map(({ answered }) => answered));
    const before = cpuSeconds(child.pid);
    await Bun.sleep(1000);
    expect(cpuSeconds(child.pid) - before).toBeLessThan(0.5);

    const lines = (await Bun.file(folder.at("log")).text()).trimEnd().split("\n");
    const told = lines.map((line) => JSON.parse(line)).filter(({ limit }) => limit === 128);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ level: "error", msg: expect.stringContaining("ulimit -n") });
    expect(await readyz()).toBe(true);
    for (const { socket } of connections) socket.destroy();
    child.kill("SIGKILL");
    await child.exited;
  },
);
