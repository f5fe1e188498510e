/** Returns whether a promise is still pending after a time in which loopback would have answered long ago. */
export async function staysOpen(promise: Promise<unknown>, ms = 150): Promise<boolean> {
  return (await Promise.race([promise.then(() => "settled"), Bun.sleep(ms).then(() => "open")])) === "open";
}

/**
 * Returns whether a promise is eventually rejected. Use it, and not `expect(promise).rejects`, for promises that wait
 * for a socket: under that, Bun 1.4.5 notices a closed socket almost a second late.
 */
export function isRejected(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}

/** Asks until the answer is the expected one or the deadline has passed, and returns the last answer. */
export async function eventually<T>(ask: () => Promise<T>, expected: T, deadlineMs = 5000): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer === expected || performance.now() > deadline) return answer;
    await Bun.sleep(10);
  }
}
