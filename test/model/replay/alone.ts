/** How a process guards alone while a master is away. */
import { isBeforeTimestamp, type Move, run, type World } from "./moves.ts";
import {
  bit,
  type Copy,
  nobody,
  type Sidecar,
  type State,
  sidecarOf,
  withCopy,
  withSidecar,
} from "./state.ts";

/** The key's master is away, so the process guards alone. */
export function fallBack(state: State, sidecar: Sidecar, { rules }: World): State {
  const { id, owner, lost, refusing, memoryCovers } = sidecar;
  const address = bit(state.servers[owner]?.address ?? 0);
  const isNew = rules.memoryBeginsAtAbsence && !(lost & address);
  return withSidecar(state, id, {
    lost: lost | address,
    refusing: refusing & ~address,
    memoryCovers: isNew ? isBeforeTimestamp(state) : memoryCovers,
  });
}

/** The key's master refuses to write, so the process guards alone. */
export function fallBackAfterRefusal(state: State, sidecar: Sidecar, asked: number, { rules }: World): State {
  const { id, lost, refusing, memoryCovers } = sidecar;
  const address = bit(state.servers[asked]?.address ?? 0);
  const isNew = rules.memoryBeginsAtRefusal ? !(refusing & address) : lost + refusing === 0;
  return withSidecar(state, id, {
    lost: lost & ~address,
    refusing: refusing | address,
    memoryCovers: isNew ? isBeforeTimestamp(state) : memoryCovers,
  });
}

/** A master has accepted a claim. */
export function comeBack(state: State, { id, lost, refusing }: Sidecar, asked: number): State {
  const address = bit(state.servers[asked]?.address ?? 0);
  return withSidecar(state, id, { lost: lost & ~address, refusing: refusing & ~address });
}

/** Claims the signature in the memory of the process. */
export function claimAlone(state: State, place: number, id: number, label: string, world: World): Move {
  const sidecar = sidecarOf(state, id);
  const { memory, memoryCovers } = sidecar;
  const hasFailed = memory === "failed" && (memoryCovers || !world.rules.failureAloneIsDoubted);
  const mayRun = hasFailed || (memory === "none" && memoryCovers);
  if (!mayRun) return { label: `${label}, does not run it`, next: withCopy(state, place, { at: "away" }) };
  const claimed = withSidecar(state, id, { memory: "open" });
  return { label: `${label}, runs it alone`, next: run(claimed, place, "its process", sidecar, world) };
}

/** A master's connection ends or falls silent. If it had answered, the memory of the process begins anew. */
export function lose(state: State, id: number, epoch: number, { rules }: World): State {
  const { answered, memoryCovers, lost, refusing } = sidecarOf(state, id);
  if (!(answered & bit(epoch))) return state;
  const address = bit(state.servers[epoch]?.address ?? 0);
  return withSidecar(state, id, {
    answered: answered & ~bit(epoch),
    memoryCovers: rules.memoryBeginsAtLoss ? isBeforeTimestamp(state) : memoryCovers,
    lost: lost | address,
    refusing: refusing & ~address,
  });
}

/** A connection ends or falls silent. Each copy that waits for a reply on it is claimed alone. */
export function loseReplies(state: State, id: number, epoch: number, world: World): State {
  let next = lose(state, id, epoch, world);
  for (const [place, copy] of state.copies.entries()) {
    if (copy.sidecar !== id || copy.asked !== epoch || !isInFlight(copy)) continue;
    const fallen = fallBack({ ...next, isDisturbed: true }, sidecarOf(next, id), world);
    next = claimAlone(fallen, place, id, "", world).next;
  }
  return world.configuration.isCluster ? next : withSidecar(next, id, { owner: nobody });
}

/** Returns whether the copy waits for a reply of Redis. */
export const isInFlight = ({ at }: Copy): boolean =>
  at === "claiming" || at === "claimed" || at === "reopening" || at === "reopened";

/** A new connection to an address shows that the earlier one has ended. */
export function loseEarlier(state: State, id: number, epoch: number, world: World): State {
  let next = state;
  for (const [other, { address }] of state.servers.entries())
    if (other !== epoch && address === state.servers[epoch]?.address) next = lose(next, id, other, world);
  return next;
}
