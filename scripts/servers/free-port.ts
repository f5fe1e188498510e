import { createServer } from "node:net";

/**
 * The ports lie below the range from which systems choose the port of a client (32768 and up on Linux). Otherwise a
 * client might take the port of a stopped server, which the server needs when it is restarted.
 */
const lowest = 10_240;
const highest = 22_767;

/**
 * Each worker of `bun test --parallel` has its own range, since it does not know which ports the others have taken.
 */
const worker = process.env.BUN_TEST_WORKER_ID;
const shares = worker === undefined ? 1 : 4;
const shareSize = Math.floor((highest - lowest + 1) / shares);
const ownLowest = lowest + shareSize * (Number(worker ?? 0) % shares);

/**
 * Ports are never given twice, because a server that was killed needs its port again although nobody listens there.
 */
const given = new Set<number>();

/** Returns a loopback port on which nobody listens now, and which this process has not been given before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = ownLowest + Math.floor(Math.random() * shareSize);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error("no free loopback port in 100 attempts");
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen({ host: "127.0.0.1", port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
