import type { Move as MoveOf } from "../search.ts";
import type { Configuration } from "./configurations.ts";
import { brokenByRunning } from "./properties.ts";
import type { Rules } from "./rules.ts";
import { type Copy, nobody, type Sidecar, type State, withCopy } from "./state.ts";

/** The configuration, and the rules that are followed. */
export interface World {
  readonly configuration: Configuration;
  readonly rules: Rules;
}

/** One step that can be taken from a state. */
export type Move = MoveOf<State>;

/** Returns the moves that a copy can make from a state. */
export type Step = (state: State, copy: Copy, place: number, world: World) => Move[];

/** Returns the server that executes a command: in a Cluster, a running node redirects to the master of the key. */
export function executorOf(state: State, { asked }: Copy, { configuration }: World): number {
  if (!state.servers[asked]?.runs) return nobody;
  return configuration.isCluster ? state.home : asked;
}

/** Returns whether an instant that is now counts as before the signature's timestamp. */
export const isBeforeTimestamp = ({ time }: State): boolean => time !== "stamped";

/** Lets a copy run, and checks whether it may. */
export function run(
  state: State,
  place: number,
  by: "Redis" | "its process",
  sidecar: Sidecar,
  { configuration }: World,
): State {
  const wasRefused = state.copies[place]?.isExcused === true;
  const lacksRedis = wasRefused || !sidecar.hadRedis;
  const isExcused = configuration.hasRedis && by === "its process" && lacksRedis;
  const broken = state.broken ?? brokenByRunning(state, place, sidecar.id, isExcused);
  const running = {
    at: "running",
    sidecar: sidecar.id,
    ranBy: by,
    isExcused,
    asked: nobody,
    turn: 0,
    isDue: false,
    isOld: false,
    reply: "none",
  } as const;
  return withCopy({ ...state, broken }, place, running);
}
