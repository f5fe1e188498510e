import type { Move as MoveOf } from "../search.ts";
import type { Configuration } from "./configurations.ts";
import type { Rules } from "./rules.ts";
import type { State } from "./state.ts";

/** The configuration, and the rules that are followed. */
export interface World {
  readonly configuration: Configuration;
  readonly rules: Rules;
  /** Whether states are merged that differ only in what no later step can observe; see forgetting.ts. */
  readonly forgets: boolean;
}

/** One step that can be taken from a state. A step that is not possible is `null`. */
export type Move = MoveOf<State>;

/** Returns whether a sidecar may fill, given the epoch that Redis returned. */
export function graceIsOver(state: State, epoch: number, rules: Rules): boolean {
  if (!rules.grace) return true;
  const asked = rules.graceOfAllServers ? (1 << state.epochs) - 1 : 1 << epoch;
  return (state.graceOver & asked) === asked;
}

/** Returns how many copies of a script are in flight. A client that resends sends two. */
export const copiesSent = ({ configuration }: World): number => (configuration.resends ? 2 : 1);
