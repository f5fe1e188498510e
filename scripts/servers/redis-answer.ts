import { Redis } from "ioredis";
import type { RedisServer } from "./redis-server.ts";

const waitMs = 20_000;

/**
 * Repeats a command until its answer is the expected one.
 *
 * @throws {Error} it is not within 20 seconds; the message contains the last answer
 */
export async function untilAnswer(
  server: RedisServer,
  command: readonly [name: string, ...words: string[]],
  isExpected: (answer: string) => boolean,
): Promise<void> {
  const client = new Redis(server.url(), { enableReadyCheck: false });
  const deadline = performance.now() + waitMs;
  try {
    for (;;) {
      const answer = String(await client.call(...command));
      if (isExpected(answer)) return;
      if (performance.now() > deadline) throw new Error(`${command.join(" ")} still answers:\n${answer}`);
      await Bun.sleep(20);
    }
  } finally {
    client.disconnect();
  }
}
