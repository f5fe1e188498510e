import { eventually } from "../../scripts/servers/waiting.ts";
import type { HotCopy, HotRead } from "../../src/coherence/hot-copy.ts";
import { HotCopyUnavailable } from "../../src/errors.ts";

type Miss = Extract<HotRead, { state: "miss" }>;

/** READ where the test knows that it misses, as soon as Redis has answered in time: a busy machine may be late. */
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

/** A READ that misses, and the FILL after it. */
export async function fill(hotCopy: HotCopy, loginId: string, value: string): Promise<void> {
  await (await miss(hotCopy, loginId)).fill(value);
}

/** A whole write: BEGIN and END around an UPDATE that is not there. */
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

/** A sidecar's reader: what is in the database goes into the hash, and the hash is read until it hits. */
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
