import { initialState } from "./configurations.ts";
import { forgetting, tokensAreUnique } from "./forgetting.ts";
import type { Move, World } from "./moves.ts";
import { brokenIn } from "./properties.ts";
import { readerSteps } from "./reader-steps.ts";
import type { State } from "./state.ts";
import { stateKey } from "./state-key.ts";
import { worldEvents } from "./time-and-faults.ts";
import { writerSteps } from "./writer-steps.ts";

export interface Violation {
  readonly rule: string;
  /** The shortest sequence of steps to the violation. Each line has a step and the state after it. */
  readonly trace: readonly string[];
}

export interface Finding {
  readonly states: number;
  readonly violation: Violation | null;
}

/**
 * Visits every state once, in order of distance, so that the first violation has a shortest trace.
 *
 * @throws {RangeError} there are more than `statesMax` states, so nothing is proven
 */
export function search(world: World, statesMax = 30_000_000): Finding {
  const tokensByName = !tokensAreUnique(world.rules);
  const first = initialState(world.configuration);
  const keys = [stateKey(first, tokensByName)];
  const cameFrom = [-1];
  const seen = new Set(keys);
  let layer = [first];
  let layerStart = 0;
  while (layer.length > 0) {
    const nextLayer: State[] = [];
    const nextStart = keys.length;
    for (const [place, state] of layer.entries()) {
      for (const { label, next } of movesFrom(state, world)) {
        const rule = brokenIn(next, world.rules);
        if (rule !== null) {
          const trace = traceTo(keys, cameFrom, layerStart + place, world, tokensByName);
          return { states: keys.length, violation: { rule, trace: [...trace, line(label, next)] } };
        }
        const key = stateKey(next, tokensByName);
        if (seen.has(key)) continue;
        seen.add(key);
        keys.push(key);
        cameFrom.push(layerStart + place);
        nextLayer.push(next);
      }
    }
    if (keys.length > statesMax) throw new RangeError(`more than ${statesMax} states`);
    layer = nextLayer;
    layerStart = nextStart;
  }
  return { states: keys.length, violation: null };
}

function movesFrom(state: State, world: World): Move[] {
  const moves: Move[] = [];
  const add = (move: Move | null) => {
    if (move !== null) moves.push({ label: move.label, next: forgetting(move.next, world) });
  };
  for (const writer of state.writers) for (const step of writerSteps) add(step(state, writer, world));
  for (const reader of state.readers) for (const step of readerSteps) add(step(state, reader, world));
  for (const worldEvent of worldEvents) for (const move of worldEvent(state, world)) add(move);
  return moves;
}

/** Follows the keys back to the first state, and then repeats the same steps from there to get their labels. */
function traceTo(
  keys: readonly string[],
  cameFrom: readonly number[],
  last: number,
  world: World,
  tokensByName: boolean,
): string[] {
  const path: (string | undefined)[] = [];
  for (let place = last; place > 0; place = cameFrom[place] ?? 0) path.unshift(keys[place]);
  const lines: string[] = [];
  let state = initialState(world.configuration);
  for (const key of path) {
    const move = movesFrom(state, world).find(({ next }) => stateKey(next, tokensByName) === key);
    if (move === undefined) throw new Error("a step of the trace cannot be taken again");
    lines.push(line(move.label, move.next));
    state = move.next;
  }
  return lines;
}

function line(label: string, { row, hash, home }: State): string {
  const markers = [..."ABC"].filter((_, id) => hash && hash.markers & (1 << id)).join("");
  const shown = hash
    ? `e${hash.epoch} t${hash.token} v=${hash.value ?? "none"}${markers === "" ? "" : ` w:${markers}`}`
    : "none";
  return `${label}  [row ${row}, server e${home}, hash ${shown}]`;
}
