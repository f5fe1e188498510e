import type { PrivateJwk } from "../../src/sessions/key-algorithms.ts";
import {
  RotationPending,
  replaceLeaked,
  rotate,
  scheduledKey,
  statesAt,
} from "../../src/sessions/key-states.ts";
import { counted } from "../quantities.ts";
import {
  type Change,
  changeKeys,
  type KeyFileSettings,
  type Report,
  removedLines,
  type Situation,
  spelled,
  withoutExpired,
} from "./change.ts";

/** Schedules the next key, or lets it sign immediately, and publishes a new next key. */
export function rotateKeys(
  settings: KeyFileSettings,
  { isLeaked }: { readonly isLeaked: boolean },
): Promise<Report> {
  return changeKeys(settings, isLeaked ? replaceActive : schedule);
}

async function schedule(situation: Situation): Promise<Change> {
  const remaining = withoutExpired(situation);
  try {
    const keys = statesAt(await rotate(remaining, situation), situation.nowMs);
    const [successor, next] = [scheduledKey(keys) ?? activeOf(keys), keys.at(-1)];
    const at = Date.parse(successor?.activeAt ?? "");
    const when =
      at > situation.nowMs ? `signs from ${spelled(at)}, when every verifier knows it` : "signs from now on";
    const lines = [
      ...removedLines(situation.keys, keys),
      `${successor?.kid} ${when}. Sidecars switch by themselves.`,
      `${next?.kid} is published as the next key.`,
    ];
    const facts = { successor: successor?.kid, activeAt: successor?.activeAt, next: next?.kid };
    return { keys, report: { isDone: true, lines, facts } };
  } catch (error) {
    if (!(error instanceof RotationPending)) throw error;
    const { activeAt } = error;
    const lines = [
      `The last rotation is under way: its key signs from ${spelled(Date.parse(activeAt))}, when every verifier knows it. Run this again after that.`,
    ];
    return { keys: null, report: { isDone: false, lines, facts: { activeAt } } };
  }
}

async function replaceActive(situation: Situation): Promise<Change> {
  const leaked = activeOf(situation.keys);
  const keys = await replaceLeaked(withoutExpired(situation), situation);
  const successor = activeOf(keys);
  const knownAt = Date.parse(successor?.publishedAt ?? "") + situation.maxAgeSeconds * 1000;
  const lines = [
    `${leaked?.kid} is removed. The sidecars refuse its tokens within seconds; a backend that caches the public keys does after ${counted(situation.maxAgeSeconds, "second")}.`,
    `${successor?.kid} signs from now on.`,
    ...(knownAt > situation.nowMs
      ? [
          `It is so new that a backend may not know it until ${spelled(knownAt)}, and may refuse its tokens until then.`,
        ]
      : []),
  ];
  const facts = { removed: leaked?.kid, successor: successor?.kid };
  return { keys, report: { isDone: true, lines, facts } };
}

function activeOf(keys: readonly PrivateJwk[]): PrivateJwk | undefined {
  return keys.find(({ state }) => state === "active");
}
