import { eventually } from "../../scripts/servers/waiting.ts";
import type { HotCopy, HotRead } from "../../src/coherence/hot-copy.ts";
import { HotCopyUnavailable } from "../../src/errors.ts";

type Miss = Extract<HotRead, { state: "miss" }>;

/**
 * Runs READ, which the test expects to miss. It repeats READ if Redis did not answer in time, as may happen on a busy
 * machine.
 */
export async function miss(hotCopy: HotCopy, loginId: string): Promise<Miss> {
  let read = await hotCopy.read(loginId);
  const state = async () => {
    if (read.state === "ask") read = await hotCopy.read(loginId);
    return read.state;
  };
  await eventually(state, "miss");
  if (read.state !== "miss") throw new Error(`not a miss: ${read.state}`);
  return read;
}

/** Runs READ, which misses, and then FILL. */
export async function fill(hotCopy: HotCopy, loginId: string, value: string): Promise<void> {
  await (await miss(hotCopy, loginId)).fill(value);
}

/** Runs a whole write: BEGIN and END, without an UPDATE in between. */
export async function write(hotCopy: HotCopy, loginId: string, value: string): Promise<void> {
  await (await hotCopy.begin(loginId)).end(value);
}

/** Writes until the hash holds the value. */
export async function hold(hotCopy: HotCopy, loginId: string, value: string): Promise<void> {
  const held = async () => {
    await write(hotCopy, loginId, value);
    return hotCopy.peek(loginId);
  };
  if ((await eventually(held, value)) !== value) throw new Error("the hash does not take the value");
}

/** Fills the hash with the value of the database, and reads it until there is a hit, as a sidecar would. */
export async function untilHit(
  hotCopy: HotCopy,
  loginId: string,
  inDatabase: string,
): Promise<string | null> {
  const readThrough = async () => {
    const read = await hotCopy.read(loginId);
    if (read.state === "hit") return read.value;
    if (read.state === "miss") await read.fill(inDatabase);
    return null;
  };
  return eventually(readThrough, inDatabase, 15_000);
}

export function isUnavailable(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    (error) => error instanceof HotCopyUnavailable,
  );
}
