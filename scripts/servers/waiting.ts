/** Whether a promise is still unsettled after a time in which an answer on loopback would long be here. */
export async function staysOpen(promise: Promise<unknown>, ms = 150): Promise<boolean> {
  return (await Promise.race([promise.then(() => "settled"), Bun.sleep(ms).then(() => "open")])) === "open";
}

/**
 * Whether a promise is rejected in the end. For promises that wait for a socket, use this and not
 * `expect(promise).rejects`: under that, Bun 1.4.5 notices a closed socket most of a second late.
 */
export function isRejected(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}

/** Asks until the answer is the expected one, or until the deadline, and answers the last answer. */
export async function eventually<T>(ask: () => Promise<T>, expected: T, deadlineMs = 5000): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer === expected || performance.now() > deadline) return answer;
    await Bun.sleep(10);
  }
}
