/** What happens to a copy of the request until it runs or is refused. */
import {
  claimAlone,
  comeBack,
  fallBack,
  fallBackAfterRefusal,
  isInFlight,
  loseEarlier,
  loseReplies,
} from "./alone.ts";
import { executorOf, type Move, run, type Step, type World } from "./moves.ts";
import { brokenByRefusing, isDueAt } from "./properties.ts";
import {
  bit,
  type Copy,
  nobody,
  type Sidecar,
  type State,
  sidecarName,
  sidecarOf,
  withCopy,
  withNoneDue,
  withServer,
  withSidecar,
} from "./state.ts";

/** A copy arrives at any sidecar, which asks its own memory or sends a claim to Redis. */
const arrives: Step = (state, copy, place, world) => {
  if (copy.at !== "away" || copy.tells !== "nothing" || state.time === "before") return [];
  // From now on, this copy may run in place of another one.
  const received = withNoneDue(state);
  return state.sidecars.map((sidecar) => {
    const name = `${sidecarName(sidecar.id)}: receives a copy`;
    if (!world.configuration.hasRedis) return claimAlone(received, place, sidecar.id, name, world);
    if (!isConnected(sidecar, world)) {
      const fallen = fallBack(received, sidecar, world);
      return claimAlone(fallen, place, sidecar.id, `${name}, Redis is away`, world);
    }
    const hasFailed = sidecar.memory === "failed" && world.rules.failureAsksRedis;
    if (sidecar.memory !== "none" && !hasFailed && world.rules.memoryAnswersFirst)
      return claimAlone(received, place, sidecar.id, name, world);
    const asking = hasFailed ? withSidecar(received, sidecar.id, { memory: "none" }) : received;
    const isOld = doubts(sidecar, world);
    const isDue = isDueAt(state, place, sidecar);
    const change = { at: "claiming", sidecar: sidecar.id, asked: sidecar.owner, isOld, isDue } as const;
    return {
      label: `${name}, sends a claim${isOld ? " that sets nothing" : ""}`,
      next: withCopy(asking, place, change),
    };
  });
};

function isConnected({ owner, answered }: Sidecar, { rules }: World): boolean {
  return owner !== nobody && (!rules.epochSeenFirst || (answered & bit(owner)) !== 0);
}

/** Returns whether Redis may have forgotten the signature, as far as this sidecar can know. */
function doubts({ seen, young, owner }: Sidecar, { rules }: World): boolean {
  if (!rules.doubtsBeforeEpoch) return false;
  if (seen === 0) return true;
  return (rules.youngestEpochCounts ? young : young & bit(owner)) !== 0;
}

/** Executes a copy's command. A redirection shows the sidecar which master has the key. */
function executed(
  state: State,
  copy: Copy,
  place: number,
  server: number,
  change: Partial<Copy>,
  world: World,
): State {
  // The order of replies matters only where Redis refuses some of the commands.
  const isOrdered = world.configuration.refusals > 0;
  const turn = isOrdered ? 1 + Math.max(...state.copies.map((other) => other.turn)) : 0;
  const next = withCopy(state, place, { ...change, turn });
  return server === copy.asked
    ? next
    : withSidecar(loseEarlier(next, copy.sidecar, server, world), copy.sidecar, { owner: server });
}

/** The claim: SET NX GET, or GET if the sidecar doubts. */
const claimIsExecuted: Step = (state, copy, place, world) => {
  if (copy.at !== "claiming") return [];
  const epoch = executorOf(state, copy, world);
  const server = state.servers[epoch];
  if (server === undefined) return [];
  const reply = server.refuses && !copy.isOld ? "refused" : server.record;
  const sets = reply === "none" && !copy.isOld && world.rules.claimsAtOnce;
  const isExcused = reply === "refused" && !sidecarOf(state, copy.sidecar).hadRedis;
  const next = executed(state, copy, place, epoch, { at: "claimed", reply, isExcused }, world);
  const label = `Redis: the claim finds ${reply}`;
  return [{ label, next: sets ? withServer(next, epoch, { record: "open" }) : next }];
};

/** On one connection, replies arrive in the order in which the commands were executed. */
const isNextReply = ({ copies }: State, { sidecar, asked, turn }: Copy) =>
  copies.every(
    (other) => other.turn === 0 || other.turn >= turn || other.sidecar !== sidecar || other.asked !== asked,
  );

/** The reply to the claim arrives. */
const claimIsAnswered: Step = (state, copy, place, world) => {
  if (copy.at !== "claimed" || !isNextReply(state, copy)) return [];
  const { rules } = world;
  const sidecar = sidecarOf(state, copy.sidecar);
  const name = `${sidecarName(sidecar.id)}: learns ${copy.reply}`;
  if (copy.reply === "refused") return [isRefused(state, copy, place, name, world)];
  const isUnsure = copy.isOld || doubtsReply(sidecar, copy, world);
  const back = copy.isOld ? state : comeBack(state, sidecar, copy.asked);
  if (copy.reply === "none" && !isUnsure) {
    const claimed = rules.claimsAtOnce ? back : withServer(back, copy.asked, { record: "open" });
    return [{ label: `${name}, runs it`, next: run(claimed, place, "Redis", sidecar, world) }];
  }
  if (copy.reply === "failed" && !(isUnsure && rules.failureIsDoubted)) {
    const next = withCopy(back, place, { at: "reopening", asked: sidecar.owner, turn: 0 });
    return [{ label: `${name}, reopens the record`, next }];
  }
  return [notRun(back, copy, place, name, isUnsure)];
};

/** Returns whether a sidecar does not believe a reply, by what it knows when the reply arrives. */
function doubtsReply(sidecar: Sidecar, { asked }: Copy, world: World): boolean {
  const { rules } = world;
  const { owner, answered, memory } = sidecar;
  // In a Cluster, the command may have been redirected to a master that the sidecar has not seen.
  const isFromSeen = owner === asked || (answered & bit(owner)) !== 0;
  return (
    (rules.doubtsAfterReply && doubts(sidecar, world)) ||
    (rules.answerOfSeenMaster && !isFromSeen) ||
    (rules.memoryAnswersFirst && rules.memoryAnswersLate && memory !== "none")
  );
}

function isRefused(state: State, copy: Copy, place: number, name: string, world: World): Move {
  const sidecar = sidecarOf(state, copy.sidecar);
  const fallen = fallBackAfterRefusal({ ...state, isDisturbed: true }, sidecar, copy.asked, world);
  return claimAlone(fallen, place, sidecar.id, name, world);
}

/** A claim that was doubted may have left a record, so that no copy runs any more. */
function notRun(state: State, { isOld }: Copy, place: number, name: string, isUnsure: boolean): Move {
  const broken = state.broken ?? brokenByRefusing(state, place);
  const isDisturbed = state.isDisturbed || (isUnsure && !isOld);
  return {
    label: `${name}, does not run it`,
    next: withCopy({ ...state, broken, isDisturbed }, place, { at: "away" }),
  };
}

/** A script replaces the record of a failure, unless another copy has. */
const reopeningIsExecuted: Step = (state, copy, place, world) => {
  if (copy.at !== "reopening") return [];
  const epoch = executorOf(state, copy, world);
  const server = state.servers[epoch];
  if (server === undefined) return [];
  const isFirst = server.record === "failed" || !world.rules.reopensOnce;
  const reply = server.refuses ? "refused" : isFirst ? "failed" : "open";
  const next = executed(state, copy, place, epoch, { at: "reopened", reply }, world);
  const label = `Redis: the record ${reply === "failed" ? "is reopened" : "is not reopened"}`;
  return [{ label, next: reply === "failed" ? withServer(next, epoch, { record: "open" }) : next }];
};

const reopeningIsAnswered: Step = (state, copy, place, world) => {
  if (copy.at !== "reopened" || !isNextReply(state, copy)) return [];
  const { rules } = world;
  const sidecar = sidecarOf(state, copy.sidecar);
  const name = `${sidecarName(sidecar.id)}: learns whether it has reopened the record`;
  if (copy.reply === "refused") return [isRefused(state, copy, place, name, world)];
  const isUnsure = doubtsReply(sidecar, copy, world) && rules.failureIsDoubted && rules.reopeningIsDoubted;
  if (copy.reply === "failed" && !isUnsure)
    return [{ label: `${name}, runs it`, next: run(state, place, "Redis", sidecar, world) }];
  return [notRun(state, copy, place, name, isUnsure)];
};

/** No reply comes, so the master is not believed until it has answered again. */
const noReplyComes: Step = (state, copy, _, world) => {
  if (!isInFlight(copy)) return [];
  const label = `${sidecarName(copy.sidecar)}: gets no reply`;
  return [{ label, next: loseReplies(state, copy.sidecar, copy.asked, world) }];
};

export const claimSteps: readonly Step[] = [
  arrives,
  claimIsExecuted,
  claimIsAnswered,
  reopeningIsExecuted,
  reopeningIsAnswered,
  noReplyComes,
];
