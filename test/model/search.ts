/** One step that can be taken from a state. */
export interface Move<State> {
  readonly label: string;
  readonly next: State;
}

/** A protocol and all that can happen to it. */
export interface Model<State> {
  readonly first: State;
  /** Returns every step that can be taken from a state. */
  movesFrom(state: State): Move<State>[];
  /** Returns a short text that is equal for two states only if no later step can tell them apart. */
  keyOf(state: State): string;
  /** Returns the sentence that describes a violation, or `null`. */
  brokenIn(state: State): string | null;
  /** Describes the state in a line of a trace. */
  describe(state: State): string;
}

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
export function search<State>(model: Model<State>, statesMax = 30_000_000): Finding {
  const keys = [model.keyOf(model.first)];
  const cameFrom = [-1];
  const seen = new Set(keys);
  let layer = [model.first];
  let layerStart = 0;
  while (layer.length > 0) {
    const nextLayer: State[] = [];
    const nextStart = keys.length;
    for (const [place, state] of layer.entries()) {
      for (const { label, next } of model.movesFrom(state)) {
        const rule = model.brokenIn(next);
        if (rule !== null) {
          const trace = traceTo(model, keys, cameFrom, layerStart + place);
          return { states: keys.length, violation: { rule, trace: [...trace, line(model, label, next)] } };
        }
        const key = model.keyOf(next);
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

/** Follows the keys back to the first state, and then repeats the same steps from there to get their labels. */
function traceTo<State>(
  model: Model<State>,
  keys: readonly string[],
  cameFrom: readonly number[],
  last: number,
): string[] {
  const path: (string | undefined)[] = [];
  for (let place = last; place > 0; place = cameFrom[place] ?? 0) path.unshift(keys[place]);
  const lines: string[] = [];
  let state = model.first;
  for (const key of path) {
    const move = model.movesFrom(state).find(({ next }) => model.keyOf(next) === key);
    if (move === undefined) throw new Error("a step of the trace cannot be taken again");
    lines.push(line(model, move.label, move.next));
    state = move.next;
  }
  return lines;
}

const line = <State>(model: Model<State>, label: string, state: State) =>
  `${label}  [${model.describe(state)}]`;
