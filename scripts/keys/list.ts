import type { PrivateJwk } from "../../src/sessions/key-algorithms.ts";
import { type KeyFileSettings, type Report, readSituation, type Situation, spelled } from "./change.ts";

/** Lists the keys with their states as of now. */
export async function list(settings: KeyFileSettings): Promise<Report> {
  const situation = await readSituation(settings);
  const rows = situation.keys.map(
    (key) => `${key.kid}  ${key.alg}  ${key.state.padEnd(7)}  ${noteOn(key, situation)}`,
  );
  return {
    isDone: true,
    lines: [settings.keysFile, ...rows],
    facts: { file: settings.keysFile, keys: situation.keys.map((key) => factsOn(key, situation)) },
  };
}

function noteOn(key: PrivateJwk, { nowMs, removableAt }: Situation): string {
  if (key.state === "active") return "signs";
  if (key.state === "next")
    return key.activeAt === undefined
      ? "waits for: bun run keys rotate"
      : `signs from ${spelled(Date.parse(key.activeAt))}`;
  const until = removableAt(key);
  return until > nowMs ? `verifies until ${spelled(until)}` : "may go: bun run keys retire";
}

function factsOn(key: PrivateJwk, { removableAt }: Situation) {
  const { kid, alg, state, publishedAt = null, activeAt = null, retiredAt = null } = key;
  const removable = state === "retired" ? spelled(removableAt(key)) : null;
  return {
    kid,
    alg,
    state,
    signs: state === "active",
    publishedAt,
    activeAt,
    retiredAt,
    removableAt: removable,
  };
}
