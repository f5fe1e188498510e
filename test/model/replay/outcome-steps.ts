/** What happens to a copy that runs, until Redis has recorded how it ended. */
import { executorOf, type Step, type World } from "./moves.ts";
import { nobody, type State, sidecarName, sidecarOf, withCopy, withServer, withSidecar } from "./state.ts";

/** The request is executed. Whether it has taken effect is known or unknown. */
const ends: Step = (state, copy, place, world) => {
  if (copy.at !== "running") return [];
  const name = `${sidecarName(copy.sidecar)}: the request`;
  const over = withCopy(state, place, { at: "over" });
  const failed = withCopy(state, place, { at: "away", ranBy: "nothing", isExcused: false });
  const unknown = world.rules.unknownStaysOpen ? over : settle(over, place, copy.sidecar, "failed", world);
  const moves = [
    { label: `${name} succeeds`, next: settle(over, place, copy.sidecar, "done", world) },
    { label: `${name} has an unknown outcome`, next: unknown },
  ];
  if (!world.configuration.requestsFail) return moves;
  const next = settle(failed, place, copy.sidecar, "failed", world);
  return [...moves, { label: `${name} is known to have failed`, next }];
};

function settle(
  state: State,
  place: number,
  id: number,
  outcome: "done" | "failed",
  { rules }: World,
): State {
  const { memory, owner } = sidecarOf(state, id);
  const settled = memory === "none" ? state : withSidecar(state, id, { memory: outcome });
  if (memory !== "none" && outcome === "failed" && rules.failureAloneIsNotTold) return settled;
  if (owner === nobody) return { ...settled, isDisturbed: true };
  return withCopy(settled, place, { tells: outcome, tellsLeft: rules.sentOnce ? 1 : 2, asked: owner });
}

/** The record of an outcome arrives, possibly late, or is lost. */
const outcomeIsRecorded: Step = (state, copy, place, world) => {
  if (copy.tells === "nothing") return [];
  const lost = withCopy({ ...state, isDisturbed: true }, place, { tells: "nothing", tellsLeft: 0 });
  const moves = [{ label: `the network: loses the record of ${copy.tells}`, next: lost }];
  const epoch = executorOf(state, copy, world);
  if (epoch === nobody || state.servers[epoch]?.refuses) return moves;
  const isLast = copy.tellsLeft === 1;
  const told = withCopy(state, place, isLast ? { tells: "nothing", tellsLeft: 0 } : { tellsLeft: 1 });
  const next = withServer(told, epoch, { record: copy.tells });
  return [...moves, { label: `Redis: records ${copy.tells}`, next }];
};

export const outcomeSteps: readonly Step[] = [ends, outcomeIsRecorded];
