import { createServer } from "node:net";

/**
 * Below the range from which systems take a client's own port (32768 and up on Linux): a restarted server must
 * find its port still free, and a client that keeps dialling a dead server must not be given that very port.
 */
const lowest = 10_240;
const highest = 22_767;

/** Each worker of `bun test --parallel` takes ports of its own, since it cannot know which ones the others were given. */
const worker = process.env.BUN_TEST_WORKER_ID;
const shares = worker === undefined ? 1 : 4;
const shareSize = Math.floor((highest - lowest + 1) / shares);
const ownLowest = lowest + shareSize * (Number(worker ?? 0) % shares);

/** A server that was killed comes back to its port: until then nobody listens there, and yet it is taken. */
const given = new Set<number>();

/** A loopback port nobody listens on at this moment, and that this process has not been given before. */
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
