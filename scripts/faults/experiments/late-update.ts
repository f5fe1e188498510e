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

async function holdBack(
  what: "request" | "reply",
  world: World,
  history: History,
  { heldMs }: Parameters,
  progress: Progress,
): Promise<Verdict> {
  const { loginIds } = world.site;
  const [writer, reader, proxies] = [world.sidecar(0), world.sidecar(1), world.proxiesOf(0)];
  const isRequest = what === "request";
  const readers = { sidecars: [reader], history, clients: 2, ratePerSecond: 60, sets: 0, secondsMax: 120 };
  const setHeldBack = async (loginId: string) => {
    proxies.redis.delay(beginReplyMs);
    const writing = history.set(writer, loginId);
    await untilMarked(world.redis, loginId);
    if (isRequest) proxies.postgres.holdRequests();
    else proxies.postgres.holdReplies();
    proxies.redis.delay(0);
    return writing;
  };
  const holdBackFor = async (loginId: string) => {
    // After this set, the writer's connection has prepared the UPDATE, so it sends the next one in a single packet.
    const before = await history.set(writer, loginId);
    const load = startLoad(world, { ...readers, loginIds: [loginId] });
    const answer = await setHeldBack(loginId);
    const meanwhile = await world.site.stored(loginId);
    return {
      before,
      load,
      answer,
      meanwhile,
      isHeld: answer.status !== 204 && (isRequest || meanwhile === answer.value),
    };
  };
  const [first = "", ...others] = loginIds;
  let held = await holdBackFor(first);
  for (const loginId of others) {
    if (held.isHeld) break;
    proxies.postgres.passThrough();
    await held.load.stop();
    held = await holdBackFor(loginId);
  }
  const { before, load, answer, meanwhile } = held;
  progress(`the writer's ${what} is held back; the set was answered with ${answer.status} ${answer.code}`);
  await Bun.sleep(heldMs);
  proxies.postgres.passThrough();
  await Bun.sleep(world.times.quarantineMs + 1500);
  await load.stop();

  const written = (await world.site.written()).filter(({ value }) => value === answer.value).length;
  return {
    figures: { [`${what} held back, ms`]: heldMs, [`${what} held back: UPDATEs executed`]: written },
    failures: unless({
      [`${what} held back: the set was answered with ${answer.status} ${answer.code}, and not as unknown`]:
        answer.code === "ERR_OUTCOME_UNKNOWN",
      [`${what} held back: the row held ${meanwhile} meanwhile`]:
        meanwhile === (isRequest ? before : answer).value,
      [`${what} held back: the UPDATE was executed ${written} times`]: written === (isRequest ? 0 : 1),
    }),
  };
}
