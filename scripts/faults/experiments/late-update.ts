import { combine, experiment, type Progress, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { startLoad } from "../harness/load.ts";
import { untilMarked } from "../harness/redis-admin.ts";
import { startWorld, type World } from "../harness/world.ts";

interface Parameters {
  readonly heldMs: number;
  readonly rounds: number;
}

/** Delays the reply to BEGIN, so that the fault can be started between BEGIN and the UPDATE. */
const beginReplyMs = 200;
/**
 * How many users are tried. On a busy machine the fault may be started too late, so that the set succeeds. There may
 * also be no UPDATE whose reply could be held back: either it was sent after its deadline, or it waits on its
 * connection, which sends nothing until the watch's statement without parameters has its reply. The set of another user
 * is held back then.
 */
const triesMax = 3;

export const lateUpdate = experiment<Parameters>({
  id: "late-update",
  title: "a proxy holds back an UPDATE, or its reply, and delivers it later",
  passes:
    "lookups through another sidecar follow the database all the time, with no stale hit for COHERENCE_QUARANTINE_MS and longer",
  small: { heldMs: 2200, rounds: 1 },
  full: { heldMs: 30_000, rounds: 2 },
  async run(parameters, progress) {
    const history = createHistory();
    await using world = await startWorld({
      sidecars: 2,
      users: triesMax,
      proxies: true,
      times: { statementMs: 1000, graceMs: 3100, quarantineMs: 3500 },
      settings: { DATABASE_POOL_MAX: "1" },
    });
    await world.untilFilling();
    const verdicts: Verdict[] = [];
    for (let round = 0; round < parameters.rounds; round += 1) {
      verdicts.push(await holdBack("request", world, history, parameters, progress));
      verdicts.push(await holdBack("reply", world, history, parameters, progress));
    }
    return combine(...verdicts, await judge(world, history));
  },
});

type What = "request" | "reply";

async function holdBack(
  what: What,
  world: World,
  history: History,
  { heldMs }: Parameters,
  progress: Progress,
): Promise<Verdict> {
  const { before, load, answer, meanwhile } = await setUntilHeldBack(what, world, history);
  progress(`the writer's ${what} is held back; the set was answered with ${answer.status} ${answer.code}`);
  await Bun.sleep(heldMs);
  world.proxiesOf(0).postgres.passThrough();
  await Bun.sleep(world.times.quarantineMs + 1500);
  await load.stop();

  const written = (await world.site.written()).filter(({ value }) => value === answer.value).length;
  return {
    figures: { [`${what} held back, ms`]: heldMs, [`${what} held back: UPDATEs executed`]: written },
    failures: unless({
      [`${what} held back: the set was answered with ${answer.status} ${answer.code}, and not as unknown`]:
        answer.code === "ERR_OUTCOME_UNKNOWN",
      [`${what} held back: the row held ${meanwhile} meanwhile`]:
        meanwhile === (what === "request" ? before : answer).value,
      [`${what} held back: the UPDATE was executed ${written} times`]:
        written === (what === "request" ? 0 : 1),
    }),
  };
}

/** Sets one user after another until the UPDATE of one is held back. The others are released. */
async function setUntilHeldBack(what: What, world: World, history: History) {
  const [first = "", ...others] = world.site.loginIds;
  let held = await setHeldBack(what, world, history, first);
  for (const loginId of others) {
    if (held.isHeld) break;
    world.proxiesOf(0).postgres.passThrough();
    await held.load.stop();
    held = await setHeldBack(what, world, history, loginId);
  }
  return held;
}

/**
 * Sets a user's data twice, and holds back the UPDATE of the second set, or its reply. The other sidecar looks the user up
 * from then on.
 */
async function setHeldBack(what: What, world: World, history: History, loginId: string) {
  const [writer, reader, proxies] = [world.sidecar(0), world.sidecar(1), world.proxiesOf(0)];
  // After this set, the writer's connection has prepared the UPDATE, so it sends the next one in a single packet.
  const before = await history.set(writer, loginId);
  const readers = { sidecars: [reader], history, clients: 2, ratePerSecond: 60, sets: 0, secondsMax: 120 };
  const load = startLoad(world, { ...readers, loginIds: [loginId] });
  proxies.redis.delay(beginReplyMs);
  const writing = history.set(writer, loginId);
  await untilMarked(world.redis, loginId);
  if (what === "request") proxies.postgres.holdRequests();
  else proxies.postgres.holdReplies();
  proxies.redis.delay(0);
  const answer = await writing;
  const meanwhile = await world.site.stored(loginId);
  const isHeld = answer.status !== 204 && (what === "request" || meanwhile === answer.value);
  return { before, load, answer, meanwhile, isHeld };
}
