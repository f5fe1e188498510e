import { createRandom } from "../../scripts/faults/harness/random.ts";
import type { RegisterOperation } from "../../scripts/faults/register-checker.ts";

export interface HistorySize {
  readonly loginIds: number;
  readonly clients: number;
  readonly operations: number;
  /** How long after its invocation a `set` with an unknown outcome may take effect. */
  readonly unknownMs: number;
}

/** Returns a history that real registers could have produced: each operation takes effect at one chosen instant. */
export function randomLegalHistory(seed: number, size: HistorySize): RegisterOperation[] {
  const random = createRandom(seed);
  const freeAt = Array.from({ length: size.clients }, () => random() * 10);
  const planned = Array.from({ length: size.operations }, (_, number) => {
    const client = Math.floor(random() * size.clients);
    const invokedAt = (freeAt[client] ?? 0) + random() * 10;
    const isUnknown = random() < 0.15;
    const effectAt = invokedAt + random() * (isUnknown ? size.unknownMs : 15);
    const returnedAt = isUnknown ? invokedAt + random() * 20 : effectAt + random() * 15;
    freeAt[client] = returnedAt;
    return { number, invokedAt, effectAt, returnedAt, isUnknown, dice: random(), user: random() };
  });
  const held = new Map<string, string>();
  const history: RegisterOperation[] = [];
  for (const { number, dice, user, isUnknown, effectAt, ...times } of planned.sort(
    (a, b) => a.effectAt - b.effectAt,
  )) {
    const loginId = `user ${Math.floor(user * size.loginIds)}`;
    if (dice < 0.5 && !isUnknown) {
      history.push({ loginId, kind: "get", value: held.get(loginId) ?? null, ...times, outcome: "ok" });
      continue;
    }
    const value = `value ${number}`;
    const outcome = isUnknown ? "unknown" : dice < 0.6 ? "failed" : "ok";
    const happens = outcome === "ok" || (outcome === "unknown" && dice < 0.5);
    if (happens) held.set(loginId, value);
    const returnedAt = isUnknown && dice > 0.8 ? null : times.returnedAt;
    history.push({ loginId, kind: "set", value, ...times, returnedAt, outcome });
  }
  return history;
}

/** Returns a few operations of one login id with random times and values. Some histories are legal, most are not. */
export function randomSmallHistory(seed: number, operationsMax: number): RegisterOperation[] {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const sets = 1 + below(operationsMax - 2);
  const operations = sets + 1 + below(operationsMax - sets);
  return Array.from({ length: operations }, (_, number) => {
    const invokedAt = below(12);
    const returnedAt = invokedAt + below(8);
    const times = { loginId: "user", invokedAt, returnedAt };
    const dice = random();
    if (number < sets) {
      const outcome = dice < 0.7 ? "ok" : dice < 0.9 ? "unknown" : "failed";
      return { ...times, kind: "set", value: `value ${number}`, outcome };
    }
    const value = dice < 0.15 ? null : `value ${below(dice > 0.97 ? sets + 1 : sets)}`;
    return { ...times, kind: "get", value, outcome: "ok" };
  });
}
