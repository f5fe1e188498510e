import type { PrivateJwk } from "../../src/sessions/key-algorithms.ts";
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

/** Removes the retired keys whose last token has expired. */
export function retireExpired(settings: KeyFileSettings): Promise<Report> {
  return changeKeys(settings, async (situation) => {
    const keys = withoutExpired(situation);
    const removed = removedLines(situation.keys, keys);
    const retired = keys.filter(({ state }) => state === "retired");
    const kept = retired.map(
      (key) => `${key.kid} verifies until ${spelled(situation.removableAt(key))} and stays.`,
    );
    const lines = removed.length + kept.length === 0 ? ["No key is retired."] : [...removed, ...kept];
    const facts = { removed: kidsWithout(situation.keys, keys), kept: retired.map(({ kid }) => kid) };
    return { keys: removed.length === 0 ? null : keys, report: { isDone: true, lines, facts } };
  });
}

/**
 * Removes one key that no valid token depends on. With `isForced`, a retired key is removed although its tokens are
 * valid.
 */
export function retireOne(
  settings: KeyFileSettings,
  kid: string,
  { isForced }: { readonly isForced: boolean },
): Promise<Report> {
  return changeKeys(settings, async (situation) => {
    const key = situation.keys.find((candidate) => candidate.kid === kid);
    const objection = objectionTo(key, situation, isForced);
    if (objection !== null) return { keys: null, report: { isDone: false, lines: [objection], facts: {} } };
    return remove(kid, situation);
  });
}

function objectionTo(
  key: PrivateJwk | undefined,
  { nowMs, removableAt }: Situation,
  isForced: boolean,
): string | null {
  if (key === undefined) return "No key in the file has this id. See: bun run keys list";
  if (key.state === "active")
    return "This key signs. Run bun run keys rotate first, or bun run keys rotate --now if it has leaked.";
  if (key.state === "next" || isForced || removableAt(key) <= nowMs) return null;
  return `The last token of this key expires at ${spelled(removableAt(key))}. With --now it is removed at once, and its sessions end.`;
}

async function remove(kid: string, { keys, createKey }: Situation): Promise<Change> {
  const others = keys.filter((key) => key.kid !== kid);
  const hasNext = others.some(({ state }) => state === "next");
  const next = hasNext ? null : await createKey();
  const lines = [
    `${kid} is removed.`,
    ...(next === null ? [] : [`${next.kid} is published as the next key.`]),
  ];
  const facts = { removed: [kid], next: next?.kid ?? null };
  return { keys: next === null ? others : [...others, next], report: { isDone: true, lines, facts } };
}

function kidsWithout(before: readonly PrivateJwk[], after: readonly PrivateJwk[]): readonly string[] {
  return before.map(({ kid }) => kid).filter((kid) => !after.some((key) => key.kid === kid));
}
