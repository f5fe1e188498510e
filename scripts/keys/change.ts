import { realpathSync } from "node:fs";
import type { KeySettings } from "../../src/config/load-config.ts";
import { codeOf } from "../../src/error-code.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { replacePrivateFile } from "../../src/files/private-file.ts";
import { revocationSeconds } from "../../src/sessions/jwt-sessions.ts";
import type { KeyAlgorithm, PrivateJwk } from "../../src/sessions/key-algorithms.ts";
import { createKey } from "../../src/sessions/key-making.ts";
import { instant, removableAt, statesAt } from "../../src/sessions/key-states.ts";
import { keySetText, readSigningKeys } from "../../src/sessions/signing-keys.ts";
import { exclusively } from "./exclusive.ts";

/** What the actions need to know: the file, its algorithm, and how long a key is needed. */
export interface KeyFileSettings extends KeySettings {
  readonly algorithm: KeyAlgorithm;
}

/** How an action ended, as text and as JSON. Neither contains a private member of a key. */
export interface Report {
  readonly isDone: boolean;
  readonly lines: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What an action does to the keys. `keys` is `null` if the file stays unchanged. */
export interface Change {
  readonly keys: readonly PrivateJwk[] | null;
  readonly report: Report;
}

/** The keys of the file with their present states, and what the rules need to know. */
export interface Situation {
  readonly keys: readonly PrivateJwk[];
  readonly nowMs: number;
  readonly maxAgeSeconds: number;
  readonly createKey: () => Promise<PrivateJwk>;
  /** Returns when a retired key may be removed, in milliseconds since the Unix epoch. */
  readonly removableAt: (key: PrivateJwk) => number;
}

/**
 * Reads the file of the keys.
 *
 * @throws {ConfigurationInvalid} it is missing or wrong
 */
export async function readSituation(settings: KeyFileSettings): Promise<Situation> {
  const { keysFile, algorithm, jwksMaxAgeSeconds: maxAgeSeconds } = settings;
  const { entries } = await readSigningKeys(keysFile, algorithm);
  const nowMs = Date.now();
  const limits = { nowMs, maxAgeSeconds, longestTokenSeconds: revocationSeconds(settings) };
  return {
    keys: statesAt(
      entries.map(({ jwk }) => jwk),
      nowMs,
    ),
    nowMs,
    maxAgeSeconds,
    createKey: () => createKey(algorithm, nowMs),
    removableAt: (key) => removableAt(key, limits),
  };
}

/**
 * Changes the file of the keys while no other command does. If it is interrupted, the old file remains.
 *
 * @throws {ConfigurationInvalid} the file is missing or wrong, or this account cannot replace it
 */
export async function changeKeys(
  settings: KeyFileSettings,
  decide: (situation: Situation) => Promise<Change>,
): Promise<Report> {
  // Read before the file is locked, so that a missing file is reported as missing.
  await readSigningKeys(settings.keysFile, settings.algorithm);
  const place = realpathSync(settings.keysFile);
  return exclusively(place, async () => {
    const { keys, report } = await decide(await readSituation(settings));
    if (keys !== null) replace(place, keys);
    return report;
  });
}

/** Returns the keys without the retired ones whose last token has expired. */
export function withoutExpired({ keys, nowMs, removableAt }: Situation): readonly PrivateJwk[] {
  return keys.filter((key) => key.state !== "retired" || removableAt(key) > nowMs);
}

/** Returns a line of the report for each key that was removed. */
export function removedLines(before: readonly PrivateJwk[], after: readonly PrivateJwk[]): readonly string[] {
  const removed = before.filter(({ kid }) => !after.some((key) => key.kid === kid));
  return removed.map(({ kid }) => `${kid} is removed: its last token has expired.`);
}

/** Formats an instant without milliseconds, rounded up. */
export function spelled(ms: number): string {
  return instant(Math.ceil(ms / 1000) * 1000).replace(".000Z", "Z");
}

function replace(place: string, keys: readonly PrivateJwk[]): void {
  try {
    replacePrivateFile(place, keySetText(keys));
  } catch (error) {
    throw new ConfigurationInvalid([
      `SESSION_KEYS_FILE: this account cannot replace ${place} and keep its owner and group (${codeOf(error)}), so nothing was changed. Run the command as the account that owns the file, or as root.`,
    ]);
  }
}
