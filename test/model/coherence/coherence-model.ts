import { createProtocol } from "../protocol.ts";
import type { Model } from "../search.ts";
import { configurations, initialState, limits } from "./configurations.ts";
import { forgetting, tokensAreUnique } from "./forgetting.ts";
import type { Move, World } from "./moves.ts";
import { brokenIn } from "./properties.ts";
import { pushSteps } from "./push-steps.ts";
import { readerSteps } from "./reader-steps.ts";
import { ruleSet } from "./rules.ts";
import { letterOf, markerOf, type State } from "./state.ts";
import { stateKey } from "./state-key.ts";
import { worldEvents } from "./time-and-faults.ts";
import { writerSteps } from "./writer-steps.ts";

/** The coherence protocol in one configuration. */
export function createCoherenceModel(world: World): Model<State> {
  const tokensByName = !tokensAreUnique(world.rules);
  return {
    first: initialState(world.configuration),
    movesFrom: (state) => movesFrom(state, world),
    keyOf: (state) => stateKey(state, tokensByName),
    brokenIn: (state) => brokenIn(state, world.rules),
    describe,
  };
}

export const coherence = createProtocol({
  configurations,
  limits,
  ruleSet,
  createModel: (configuration, rules) => createCoherenceModel({ configuration, rules, forgets: true }),
});

function movesFrom(state: State, world: World): Move[] {
  const moves: Move[] = [];
  const add = (move: Move | null) => {
    if (move !== null) moves.push({ label: move.label, next: forgetting(move.next, world) });
  };
  for (const writer of state.writers)
    for (const step of writer.run === 0 ? writerSteps : pushSteps) add(step(state, writer, world));
  for (const reader of state.readers) for (const step of readerSteps) add(step(state, reader, world));
  for (const worldEvent of worldEvents) for (const move of worldEvent(state, world)) add(move);
  return moves;
}

function describe({ row, hash, home, writers }: State): string {
  const announced = writers.filter((writer) => hash && hash.markers & markerOf(writer));
  const markers = announced.length > 0 ? ` w:${announced.map(letterOf).join("")}` : "";
  const lock = hash?.lock ? ` x:P${hash.lock.run}${hash.lock.repeated ? " again" : ""}` : "";
  const shown = hash ? `e${hash.epoch} t${hash.token} v=${hash.value ?? "none"}${markers}${lock}` : "none";
  return `row ${row}, server e${home}, hash ${shown}`;
}
