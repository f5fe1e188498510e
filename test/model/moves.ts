import type { Configuration } from "./configurations.ts";
import type { Repairs } from "./repairs.ts";
import type { State } from "./state.ts";

/** What the model runs in: who there is and how often faults may strike, and which rules are kept. */
export interface World {
  readonly configuration: Configuration;
  readonly repairs: Repairs;
  /** Whether states are merged that differ in what can no longer matter: see forgetting.ts. */
  readonly forgets: boolean;
}

/** One step that can be taken from a state; `null` where a step is not possible. */
export interface Move {
  readonly label: string;
  readonly next: State;
}

/** Whether a sidecar may take part in filling under the epoch that Redis answered. */
export function graceIsOver(state: State, epoch: number, repairs: Repairs): boolean {
  if (!repairs.grace) return true;
  const asked = repairs.graceOfAllServers ? (1 << state.epochs) - 1 : 1 << epoch;
  return (state.graceOver & asked) === asked;
}

/** How many copies of a script are on their way: a client that resends makes two. */
export const copiesSent = ({ configuration }: World): number => (configuration.resends ? 2 : 1);
