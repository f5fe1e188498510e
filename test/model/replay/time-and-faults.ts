/** What happens without the sidecars: time passes, and servers fail. */
import { loseReplies } from "./alone.ts";
import { isBeforeTimestamp, type Move, type World } from "./moves.ts";
import {
  allRemembered,
  bit,
  newServer,
  nobody,
  type Remembered,
  type Server,
  type State,
  withNoneDue,
  withServer,
} from "./state.ts";

type WorldEvent = (state: State, world: World) => Move[];

const timePasses: WorldEvent = (state, { configuration }) => {
  if (state.time === "stamped") return [];
  if (state.time === "sent")
    return [{ label: "time: reaches the timestamp", next: { ...state, time: "stamped" } }];
  const time = configuration.clockIsFast ? "sent" : "stamped";
  return [{ label: "OwnID: signs the request", next: { ...state, time } }];
};

/** Without the rule `keptWhileAccepted`, the record expires while copies are still accepted. */
const recordExpires: WorldEvent = (state, { rules }) => {
  if (rules.keptWhileAccepted || isBeforeTimestamp(state)) return [];
  return [{ label: "time: the record expires", next: withServer(state, state.home, { record: "none" }) }];
};

/** Redis restarts with what it held, with a snapshot, or empty. */
const redisRestarts: WorldEvent = (state) => {
  const { faults, servers, home } = state;
  const server = servers[home];
  if (faults.restarts === 0 || server === undefined) return [];
  const left = { ...state, faults: { ...faults, restarts: faults.restarts - 1 } };
  return recordsLeft(state).map((record) => ({
    label: `Redis: restarts with ${record}`,
    next: replaced(left, newServer(server.address, record), { runs: false, isMaster: false }),
  }));
};

/** A replica is promoted that may not have received the last writes. The old master is lost, or redirects. */
const replicaIsPromoted: WorldEvent = (state) => {
  const { faults } = state;
  if (faults.promotions === 0) return [];
  const left = { ...state, faults: { ...faults, promotions: faults.promotions - 1 } };
  return recordsLeft(state).flatMap((record) =>
    [true, false].map((runs) => ({
      label: `Redis: a replica with ${record} is promoted, the old master ${runs ? "redirects" : "is lost"}`,
      next: replaced(left, newServer(state.servers.length, record), { runs, isMaster: false }),
    })),
  );
};

const recordsLeft = ({ past }: State): Remembered[] =>
  allRemembered.filter((record, place) => record === "none" || past & bit(place));

/** A new server takes the place of the one that has the key. */
function replaced(state: State, server: Server, old: Partial<Server>): State {
  const { servers } = withServer(state, state.home, old);
  return { ...state, servers: [...servers, server], home: servers.length };
}

/** The address leads to another server, and later back. All connections end. */
const addressLeadsElsewhere: WorldEvent = (state, world) => {
  const { faults, home, servers, leftServer, sidecars } = state;
  if (faults.detours === 0) return [];
  const moved = { ...state, isDisturbed: true, faults: { ...faults, detours: faults.detours - 1 } };
  const isBack = leftServer !== nobody;
  // Otherwise nobody knows that signatures may have been used there.
  if (isBack && !world.configuration.isUnseen && sidecars.some(({ latest }) => latest !== home)) return [];
  const led = isBack
    ? { ...moved, home: leftServer }
    : { ...moved, servers: [...servers, newServer(0, "none")], home: servers.length, leftServer: home };
  let next: State = led;
  for (const { id, owner } of sidecars) if (owner !== nobody) next = loseReplies(next, id, owner, world);
  return [{ label: `the address of Redis: leads ${isBack ? "back" : "to another server"}`, next }];
};

const refusalsBeginOrEnd: WorldEvent = (state) => {
  const { faults, servers, home } = state;
  if (servers[home]?.refuses)
    return [{ label: "Redis: accepts writes again", next: withServer(state, home, { refuses: false }) }];
  if (faults.refusals === 0) return [];
  const next = withServer(state, home, { refuses: true });
  return [
    {
      label: "Redis: refuses to write",
      next: { ...next, faults: { ...faults, refusals: faults.refusals - 1 } },
    },
  ];
};

/** The key moves with its record to another running master. */
const keyMoves: WorldEvent = (state, { configuration }) => {
  const { faults, servers, home, sidecars } = state;
  if (faults.moves === 0) return [];
  const moved = { ...withNoneDue(state), faults: { ...faults, moves: faults.moves - 1 } };
  const record = servers[home]?.record ?? "none";
  return servers.flatMap(({ isMaster }, epoch) => {
    const isSeen = sidecars.every(({ seen, answered }) => seen & bit(home) && answered & bit(epoch));
    if (!isMaster || epoch === home || !(isSeen || configuration.isUnseen)) return [];
    const next = withServer(withServer({ ...moved, home: epoch }, home, { record: "none" }), epoch, {
      record,
    });
    return [{ label: `Redis: the key moves to server ${epoch}`, next }];
  });
};

export const worldEvents: readonly WorldEvent[] = [
  timePasses,
  recordExpires,
  redisRestarts,
  replicaIsPromoted,
  addressLeadsElsewhere,
  refusalsBeginOrEnd,
  keyMoves,
];
