import { describe, expect, test } from "bun:test";
import {
  type DatedKey,
  instant,
  publicationMs,
  RotationPending,
  removableAt,
  replaceLeaked,
  rotate,
  statesAt,
} from "../../src/sessions/key-states.ts";
import { errorOf } from "../support/outcome.ts";

const startMs = Date.UTC(2033, 0, 1);
const maxAgeSeconds = 300;
/** From its publication on, so long does it take until every verifier knows a key. */
const knownAfterMs = maxAgeSeconds * 1000 + publicationMs;

const active: DatedKey = {
  kid: "A",
  state: "active",
  publishedAt: instant(startMs),
  activeAt: instant(startMs),
};
const next: DatedKey = { kid: "B", state: "next", publishedAt: instant(startMs) };

/** Rotates at an instant; new keys are named C, D and so on. */
function rotationAt(nowMs: number, names = ["C", "D"]) {
  const unused = [...names];
  const createKey = async (): Promise<DatedKey> => ({
    kid: unused.shift() ?? "?",
    state: "next",
    publishedAt: instant(nowMs),
  });
  return { nowMs, maxAgeSeconds, createKey };
}

const summaryOf = (keys: readonly DatedKey[]) => keys.map(({ kid, state }) => `${kid} ${state}`).toSorted();

describe("rotate", () => {
  test("lets a next key sign at once that has been public for long enough, and publishes a new one", async () => {
    const nowMs = startMs + knownAfterMs;
    const keys = await rotate([active, next], rotationAt(nowMs));
    expect(summaryOf(statesAt(keys, nowMs))).toEqual(["A retired", "B active", "C next"]);
    expect(statesAt(keys, nowMs).find(({ kid }) => kid === "A")?.retiredAt).toBe(instant(nowMs));
  });

  test("lets a younger one sign as soon as every verifier knows it, and not before", async () => {
    const keys = await rotate([active, next], rotationAt(startMs + 1000));
    const switchMs = startMs + knownAfterMs;
    expect(summaryOf(statesAt(keys, switchMs - 1))).toEqual(["A active", "B next", "C next"]);
    expect(summaryOf(statesAt(keys, switchMs))).toEqual(["A retired", "B active", "C next"]);
  });

  test("is refused while the one before it waits, and says until when", async () => {
    const keys = await rotate([active, next], rotationAt(startMs));
    const again = rotate(keys, rotationAt(startMs + 1, ["D"]));
    expect(await errorOf(again)).toEqual(new RotationPending(instant(startMs + knownAfterMs)));
    expect(await errorOf(again)).toBeInstanceOf(RotationPending);
  });

  test("can be repeated as soon as the key signs, for as long as one likes", async () => {
    let keys: readonly DatedKey[] = [active, next];
    let nowMs = startMs;
    for (let round = 0; round < 10; round += 1) {
      const signed = statesAt(keys, nowMs).find(({ state }) => state === "active")?.kid;
      keys = await rotate(keys, rotationAt(nowMs, [`K${round}`]));
      nowMs += knownAfterMs;
      const now = statesAt(keys, nowMs);
      expect(now.filter(({ state }) => state === "active")).toHaveLength(1);
      expect(now.find(({ kid }) => kid === signed)?.state).toBe("retired");
    }
    expect(summaryOf(statesAt(keys, nowMs)).filter((key) => key.endsWith("retired"))).toHaveLength(10);
  });

  test("takes a key without a time, or a new one where there is none, for one that is published now", async () => {
    const undated: DatedKey = { kid: "B", state: "next" };
    for (const keys of [[active, undated], [active]]) {
      const nowMs = startMs + 10 * knownAfterMs;
      const rotated = await rotate(keys, rotationAt(nowMs));
      expect(statesAt(rotated, nowMs + knownAfterMs - 1).find(({ state }) => state === "active")?.kid).toBe(
        "A",
      );
      expect(statesAt(rotated, nowMs + knownAfterMs).find(({ state }) => state === "active")?.kid).not.toBe(
        "A",
      );
      expect(rotated.filter(({ state }) => state === "next")).toHaveLength(2);
    }
  });
});

describe("replaceLeaked", () => {
  test("removes the key that signs and lets the next one sign at once", async () => {
    const keys = await replaceLeaked([active, next], rotationAt(startMs));
    expect(summaryOf(keys)).toEqual(["B active", "C next"]);
  });

  test("prefers the key of a rotation that is under way", async () => {
    const rotated = await rotate([active, next], rotationAt(startMs));
    expect(summaryOf(await replaceLeaked(rotated, rotationAt(startMs + 1, ["X"])))).toEqual([
      "B active",
      "C next",
    ]);
  });

  test("leaves retired keys, whose tokens are still valid", async () => {
    const nowMs = startMs + knownAfterMs;
    const rotated = await rotate([active, next], rotationAt(nowMs));
    const keys = await replaceLeaked(rotated, rotationAt(nowMs + 1, ["D"]));
    expect(summaryOf(keys)).toEqual(["A retired", "C active", "D next"]);
  });
});

test("a retired key may go when its last token has expired, and not before", () => {
  const limits = { nowMs: startMs, maxAgeSeconds, longestTokenSeconds: 3660 };
  const retired: DatedKey = { kid: "A", state: "retired", retiredAt: instant(startMs - 1000) };
  expect(removableAt(retired, limits)).toBe(startMs - 1000 + 3_660_000 + knownAfterMs);
  const { retiredAt: _unknown, ...undated } = retired;
  expect(removableAt(undated, limits)).toBe(startMs + 3_660_000 + knownAfterMs);
});
