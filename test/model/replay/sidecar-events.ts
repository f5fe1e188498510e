/** What happens to a sidecar besides its copies: it connects, sees epochs, loses connections, and restarts. */
import { comeBack, fallBack, fallBackAfterRefusal, isInFlight, loseEarlier, loseReplies } from "./alone.ts";
import { isBeforeTimestamp, type Move, type World } from "./moves.ts";
import {
  bit,
  type Copy,
  newSidecar,
  nobody,
  restingCopy,
  type Sidecar,
  type State,
  sidecarName,
  sidecarOf,
  withServer,
  withSidecar,
} from "./state.ts";

type SidecarEvent = (state: State, sidecar: Sidecar, world: World) => Move[];

/** A single connection is opened, and the server on it has answered which epoch it has. */
const connects: SidecarEvent = (state, sidecar, world) => {
  const { home, leftServer, servers } = state;
  const { hasRedis, isCluster, isUnseen } = world.configuration;
  if (!hasRedis || isCluster || sidecar.owner !== nobody || !servers[home]?.runs) return [];
  // Otherwise nobody tells a sidecar that the address has led to another server in between.
  if (leftServer === home && !(sidecar.seen & bit(home)) && !isUnseen) return [];
  const move = observe(withSidecar(state, sidecar.id, { owner: home }), sidecar, home, world);
  if (world.rules.epochSeenFirst) return [move];
  const label = `${sidecarName(sidecar.id)}: connects to server ${home}`;
  return [move, { label, next: withSidecar(state, sidecar.id, { owner: home }) }];
};

/** The client of a Cluster learns which master has the key. */
const learnsOwner: SidecarEvent = (state, { id, owner }, world) => {
  if (!world.configuration.isCluster || owner === state.home) return [];
  const label = `${sidecarName(id)}: learns that server ${state.home} has the key`;
  const next = loseEarlier(state, id, state.home, world);
  return [{ label, next: withSidecar(next, id, { owner: state.home }) }];
};

/** A master of a Cluster answers which epoch it has. */
const seesMaster: SidecarEvent = (state, sidecar, world) => {
  if (!world.configuration.isCluster) return [];
  return state.servers.flatMap(({ isMaster }, epoch) =>
    isMaster && !(sidecar.answered & bit(epoch)) ? [seesOne(state, sidecar.id, epoch, world)] : [],
  );
};

const seesOne = (state: State, id: number, epoch: number, world: World) => {
  const connected = loseEarlier(state, id, epoch, world);
  return observe(connected, sidecarOf(connected, id), epoch, world);
};

/** A sidecar sees an epoch, and how old Redis knows it to be. An epoch that returns after another one is new. */
function observe(
  state: State,
  { id, seen, young, latest, answered }: Sidecar,
  epoch: number,
  world: World,
): Move {
  const { rules, configuration } = world;
  const label = `${sidecarName(id)}: sees epoch ${epoch}`;
  const change = { seen: seen | bit(epoch), latest: epoch, answered: answered | bit(epoch) };
  const isKnown = (seen & bit(epoch)) !== 0;
  if (isKnown && latest !== epoch && configuration.detours > 0) {
    const forgotten = rules.returnIsForgotten ? withServer(state, epoch, { firstSeen: "never" }) : state;
    const isYoung = rules.returnIsNew && !isBeforeTimestamp(state);
    const returned = withSidecar(forgotten, id, { ...change, young: isYoung ? young | bit(epoch) : young });
    return {
      label: `${label} again, after another one`,
      next: { ...returned, leftServer: nobody, isDisturbed: true },
    };
  }
  if (isKnown) return { label, next: withSidecar(state, id, change) };
  const held = state.servers[epoch]?.firstSeen ?? "never";
  const firstSeen = held === "never" ? (isBeforeTimestamp(state) ? "before" : "after") : held;
  const isYoung = rules.ageIsShared ? firstSeen === "after" : !isBeforeTimestamp(state);
  const next = withSidecar(state, id, { ...change, young: isYoung ? young | bit(epoch) : young });
  return { label, next: withServer(next, epoch, { firstSeen }) };
}

/** A connection ends, or a sidecar finds that a master has been demoted. Replies can no longer arrive on it. */
const losesConnection: SidecarEvent = (state, { id, owner, answered }, world) => {
  if (!world.configuration.isCluster) {
    if (owner === nobody) return [];
    return [{ label: `${sidecarName(id)}: its connection ends`, next: loseReplies(state, id, owner, world) }];
  }
  return state.servers.flatMap((_, epoch) => {
    if (!(answered & bit(epoch)) || (state.servers[epoch]?.isMaster && !world.configuration.connectionsEnd))
      return [];
    const label = `${sidecarName(id)}: loses server ${epoch}`;
    return [{ label, next: loseReplies(state, id, epoch, world) }];
  });
};

/** A sidecar stops and starts again with an empty memory. What it was executing has an unknown outcome. */
const sidecarRestarts: SidecarEvent = (state, { id }, { rules, configuration }) => {
  const { faults, copies, leftServer } = state;
  const isLed = faults.detours > 0 || leftServer !== nobody;
  if (faults.sidecarRestarts === 0 || (isLed && !configuration.isUnseen)) return [];
  const wasIdle = copies.every(({ at, sidecar }) => sidecar !== id || at === "away");
  const stopped = {
    ...state,
    copies: copies.map((copy) => abandoned(copy, id)),
    isDisturbed: state.isDisturbed || !wasIdle,
  };
  const next = withSidecar(
    { ...stopped, faults: { ...faults, sidecarRestarts: faults.sidecarRestarts - 1 } },
    id,
    newSidecar(id, isBeforeTimestamp(state) || !rules.memoryBeginsAtStart),
  );
  return [{ label: `${sidecarName(id)}: restarts`, next }];
};

function abandoned(copy: Copy, id: number): Copy {
  if (copy.sidecar !== id) return copy;
  if (copy.at === "running") return { ...copy, at: "over", sidecar: nobody };
  return isInFlight(copy) ? restingCopy : { ...copy, sidecar: nobody };
}

/** A copy of another request shows whether the master of the key is away, refuses to write, or accepts a claim. */
const claimsAnother: SidecarEvent = (state, sidecar, world) => {
  const { id, owner, answered } = sidecar;
  // Elsewhere, what it learns is what it has learned by losing the connection.
  if (world.configuration.refusals === 0) return [];
  const label = `${sidecarName(id)}: receives another request`;
  if (owner === nobody || !(answered & bit(owner))) return [{ label, next: fallBack(state, sidecar, world) }];
  const server = state.servers[owner];
  if (owner !== state.home || !server?.runs) return [];
  if (server.refuses) return [{ label, next: fallBackAfterRefusal(state, sidecar, owner, world) }];
  return sidecar.young ? [] : [{ label, next: comeBack(state, sidecar, owner) }];
};

export const sidecarEvents: readonly SidecarEvent[] = [
  connects,
  learnsOwner,
  seesMaster,
  losesConnection,
  sidecarRestarts,
  claimsAnother,
];
