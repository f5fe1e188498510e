import { combine, experiment, type Progress, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { startLoad, untilTrue } from "../harness/load.ts";
import { tellRedis, userKey } from "../harness/redis-admin.ts";
import { startWorld, type World } from "../harness/world.ts";

interface Parameters {
  readonly heldMs: number;
  readonly rounds: number;
}

/** Late enough that what to hold can be chosen between BEGIN and the UPDATE. */
const beginReplyMs = 200;
/** A busy machine may choose too late all the same; then the set has succeeded, and another one is held back. */
const triesMax = 3;

export const lateUpdate = experiment<Parameters>({
  id: "9",
  title: "an UPDATE, or its reply, is held back in a proxy and delivered at last",
  passes: "lookups through another sidecar follow the database throughout; no stale hit, for Q and longer",
  small: { heldMs: 2200, rounds: 1 },
  full: { heldMs: 30_000, rounds: 2 },
  async run(parameters, progress) {
    const history = createHistory();
    await using world = await startWorld({
      sidecars: 2,
      users: 2,
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
  const [[writer, reader], [proxies], [loginId = ""]] = [world.sidecars, world.proxies, world.site.loginIds];
  if (!writer || !reader || !proxies) throw new Error("two sidecars behind proxies are needed");
  // The writer's own connection has prepared the UPDATE now, and will send it in one go.
  let before = await history.set(writer, loginId);
  const readers = { sidecars: [reader], loginIds: [loginId], clients: 2, ratePerSecond: 60 };
  const load = startLoad(world, { ...readers, history, sets: 0, secondsMax: 120 });
  const setHeldBack = async () => {
    proxies.redis.delay(beginReplyMs);
    const writing = history.set(writer, loginId);
    await untilTrue("the writer's marker is there", async () => hasMarker(world, loginId), { everyMs: 5 });
    if (what === "request") proxies.postgres.holdRequests();
    else proxies.postgres.holdReplies();
    proxies.redis.delay(0);
    return writing;
  };
  let answer = await setHeldBack();
  for (let tries = 1; answer.status === 204 && tries < triesMax; tries += 1) {
    proxies.postgres.passThrough();
    before = answer;
    answer = await setHeldBack();
  }
  progress(`the writer's ${what} is held; it answered ${answer.status} ${answer.code}`);
  const meanwhile = await world.site.stored(loginId);
  await Bun.sleep(heldMs);
  proxies.postgres.passThrough();
  await Bun.sleep(world.times.quarantineMs + 1500);
  await load.stop();

  const isRequest = what === "request";
  const written = (await world.site.written()).filter(({ value }) => value === answer.value).length;
  return {
    figures: { [`${what} held ms`]: heldMs, [`${what} held: UPDATEs done`]: written },
    failures: unless({
      [`${what} held: the set answered ${answer.status} ${answer.code}, not unknown`]:
        answer.code === "ERR_OUTCOME_UNKNOWN",
      [`${what} held: the row held ${meanwhile} meanwhile`]:
        meanwhile === (isRequest ? before : answer).value,
      [`${what} held: the UPDATE was done ${written} times`]: written === (isRequest ? 0 : 1),
    }),
  };
}

async function hasMarker({ redis }: World, loginId: string): Promise<boolean> {
  return (await tellRedis(redis, "HEXISTS", userKey(loginId), "n")) === 1;
}
