/** The properties. Each function returns the sentence that describes a violation, or null. */
import { bit, type Copy, type Sidecar, type State } from "./state.ts";

/**
 * No request takes effect twice. A copy may not run if another one has taken effect, or may have, or still may. Two
 * sidecars are excused if one of them could not have used Redis at any instant since the request was signed.
 */
export function brokenByRunning(
  state: State,
  place: number,
  sidecar: number,
  isExcused: boolean,
): string | null {
  const isExcluded = (copy: Copy, other: number) =>
    other !== place &&
    copy.ranBy !== "nothing" &&
    (copy.sidecar === sidecar || !(copy.isExcused || isExcused));
  return state.copies.some(isExcluded) ? "a copy runs although another one may have taken effect" : null;
}

/**
 * Returns whether a copy that arrives should run. It should if every earlier use is known to have failed and Redis knows
 * it, and nothing was lost since the request was signed.
 */
export function isDueAt(state: State, place: number, { owner, answered }: Sidecar): boolean {
  const isIdle = ({ at, tells }: Copy, other: number) =>
    other === place || (at === "away" && tells === "nothing");
  return (
    owner === state.home &&
    (answered & bit(owner)) !== 0 &&
    nothingIsLost(state) &&
    state.copies.every(isIdle)
  );
}

/** Such a copy runs, unless something is lost on its way. */
export function brokenByRefusing(state: State, place: number): string | null {
  const isDue = state.copies[place]?.isDue && nothingIsLost(state);
  return isDue ? "a copy does not run although no copy has had an effect" : null;
}

export function nothingIsLost({ servers, isDisturbed }: State): boolean {
  return !isDisturbed && servers.every(({ isMaster, firstSeen }) => !isMaster || firstSeen === "before");
}
