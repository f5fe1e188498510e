import { createProtocol } from "../protocol.ts";
import type { Model } from "../search.ts";
import { claimSteps } from "./claim-steps.ts";
import { configurations, initialState, limits } from "./configurations.ts";
import type { Move, World } from "./moves.ts";
import { outcomeSteps } from "./outcome-steps.ts";
import { nothingIsLost } from "./properties.ts";
import { ruleSet } from "./rules.ts";
import { sidecarEvents } from "./sidecar-events.ts";
import { allRemembered, bit, type Copy, nobody, type Server, type Sidecar, type State } from "./state.ts";
import { stateKey } from "./state-key.ts";
import { worldEvents } from "./time-and-faults.ts";

/** The replay guard in one configuration. */
function createReplayModel(world: World): Model<State> {
  return {
    first: initialState(world.configuration),
    movesFrom: (state) => movesFrom(state, world),
    keyOf: stateKey,
    brokenIn: ({ broken }) => broken,
    describe,
  };
}

export const replayGuard = createProtocol({
  configurations,
  limits,
  ruleSet,
  createModel: (configuration, rules) => createReplayModel({ configuration, rules }),
});

const steps = [...claimSteps, ...outcomeSteps];

function movesFrom(state: State, world: World): Move[] {
  const moves: Move[] = [];
  for (const [place, copy] of state.copies.entries())
    for (const step of steps) moves.push(...step(state, copy, place, world));
  for (const sidecar of state.sidecars)
    for (const event of sidecarEvents) moves.push(...event(state, sidecar, world));
  for (const event of worldEvents) moves.push(...event(state, world));
  return moves.map(({ label, next }) => ({ label, next: noted(next, world) }));
}

/** Notes which sidecars could have used Redis by now, and removes what no later step can observe. */
function noted(state: State, world: World): State {
  const { time, home, servers, faults, past } = state;
  const isDisturbed = state.isDisturbed || (time === "stamped" && !nothingIsLost(state));
  const mayReturn = faults.restarts + faults.promotions > 0;
  const record = bit(allRemembered.indexOf(servers[home]?.record ?? "none"));
  return {
    ...state,
    isDisturbed,
    past: mayReturn ? past | record : 0,
    sidecars: state.sidecars.map((sidecar) => notedSidecar(state, sidecar, world)),
    copies: state.copies.map((copy) => notedCopy(state, copy, isDisturbed)),
  };
}

function notedSidecar(state: State, sidecar: Sidecar, { configuration, rules }: World): Sidecar {
  const { time, home, servers } = state;
  const server = servers[home];
  const { owner, answered, memory, memoryCovers } = sidecar;
  const canUse =
    time !== "before" && server?.runs && !server.refuses && owner === home && answered & bit(home);
  const remembersNothing = !memoryCovers && memory === "none";
  const hadRedis = sidecar.hadRedis || remembersNothing || Boolean(canUse);
  const latest = configuration.detours > 0 ? sidecar.latest : nobody;
  const young = rules.youngestEpochCounts ? Math.min(1, sidecar.young) : sidecar.young;
  const lost = remembersNothing ? 0 : sidecar.lost;
  const refusing = remembersNothing ? 0 : sidecar.refusing;
  const isSame = hadRedis === sidecar.hadRedis && latest === sidecar.latest && young === sidecar.young;
  if (isSame && lost === sidecar.lost && refusing === sidecar.refusing) return sidecar;
  return { ...sidecar, hadRedis, latest, young, lost, refusing };
}

function notedCopy({ copies }: State, copy: Copy, isDisturbed: boolean): Copy {
  const { turn, isDue } = copy;
  const place = turn === 0 ? 0 : copies.filter((other) => other.turn > 0 && other.turn <= turn).length;
  if (place === turn && !(isDue && isDisturbed)) return copy;
  return { ...copy, turn: place, isDue: isDue && !isDisturbed };
}

function describe({ servers, home, sidecars }: State): string {
  const record = ({ record, refuses }: Server) => `${record}${refuses ? " (refuses)" : ""}`;
  const ofServers = servers.map((server, epoch) =>
    server.runs ? `server ${epoch}${epoch === home ? "*" : ""}: ${record(server)}` : null,
  );
  const ofSidecars = sidecars.map(
    ({ id, memory, memoryCovers, young, answered }) =>
      `${"AB"[id]}: ${memory}${memoryCovers ? "" : " begun later"}, answered ${answered}, young ${young}`,
  );
  return [...ofServers.filter((text) => text !== null), ...ofSidecars].join("; ");
}
