import { combine, experiment, provenByUse, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { type Load, type LoadOptions, startLoad } from "../harness/load.ts";
import { createOperator, type Operator, type SyncRun } from "../harness/operator.ts";
import { type Outsider, type OutsiderOptions, startOutsider } from "../harness/outsider.ts";
import { startWorld, type World } from "../harness/world.ts";

/** Users of whose hashes only sidecars and the operator make a value, and users whose hashes are forged at times. */
const [hot, strayed] = [24, 16];
const sidecars = 3;
const forgery = "forged ";
/** A run that is killed, within so long after its first second, is far from its end by then. */
const slowly = ["--batch", "4", "--rate", "15"];
const killedWithinMs = 400;
/** The others take a batch every 160 ms: while rows are held up, one begins. */
const steadily = ["--batch", "8", "--rate", "50"];

/** What each round must bring about at least: without it nothing is shown. */
const minima = { filled: 4, left: 3, repaired: 1 };

interface Parameters {
  readonly rounds: number;
  readonly ratePerSecond: number;
}

/** What the operator ran, and whether somebody forged hashes meanwhile. */
interface Watched extends SyncRun {
  readonly isForging: boolean;
}

export const syncUnderLoad = experiment<Parameters>({
  id: "sync",
  title:
    "warm, sync and verify --repair again and again, some of them killed, while three sidecars serve and write",
  passes:
    "no stale answer, no acknowledged set lost; where only sidecars write, sync finds no difference and exits 0; where hashes are forged, it finds no others and fixes them",
  small: { rounds: 1, ratePerSecond: 100 },
  full: { rounds: 15, ratePerSecond: 120 },
  async run({ rounds, ratePerSecond }, progress) {
    await using world = await startSyncedWorld();
    const history = createHistory({ isForged: (value) => value.startsWith(forgery) });
    using operator = await createOperator(world);
    await world.untilFilling();
    await enrolEveryone(world, history);
    const forgeable = forgeableOf(world);
    const load = { history, ratePerSecond, secondsMax: 60 + 60 * rounds };
    const loads = startLoads(world, forgeable, load);
    const rows = operator.proxies.postgres;
    const outsider = startOutsider(world, { history, rows, forgeable, forgery });
    const runs: Watched[] = [];
    try {
      for (let round = 1; round <= rounds; round += 1) {
        runs.push(...(await runAll(operator, outsider)));
        progress(`${round} of ${rounds} rounds, ${runs.length} runs, ${outsider.forged()} hashes forged`);
      }
    } finally {
      await outsider[Symbol.asyncDispose]();
      await Promise.all(loads.map((each) => each.stop()));
    }
    runs.push({ ...(await operator.sync("verify")), isForging: false });
    const verdict = await judge(world, history);
    const squeezed = { rounds, "sets in between": outsider.squeezed(), "hashes forged": outsider.forged() };
    return combine(
      { figures: squeezed, failures: [] },
      judgeRuns(runs, forgeable.loginIds, rounds),
      verdict,
      provenByUse(verdict),
    );
  },
});

function startSyncedWorld(): Promise<World> {
  return startWorld({
    sidecars,
    users: hot + strayed,
    times: { statementMs: 2000, graceMs: 5100, quarantineMs: 6000, ttlSeconds: 20 },
    settings: { AUDIT_SHARE: "0.05" },
    // Its own, since runs that were killed keep their connections for a while.
    postgresSettings: { max_connections: "200" },
    settingsOf: (number): Record<string, string> => (number === sidecars - 1 ? { AUDIT_SHARE: "0" } : {}),
  });
}

/** Everyone has data, so that a warm fills whatever hash it finds empty. */
async function enrolEveryone({ sidecars: [first], site }: World, history: History): Promise<void> {
  if (first === undefined) throw new Error("a world needs sidecars");
  await Promise.all(site.loginIds.map((loginId) => history.set(first, loginId)));
}

/** The last users, and the last sidecar: an audit of it would find what the forger did. */
function forgeableOf({ sidecars, site }: World): OutsiderOptions["forgeable"] {
  const sidecar = sidecars.at(-1);
  if (sidecar === undefined) throw new Error("a world needs sidecars");
  return { loginIds: site.loginIds.slice(hot), sidecar };
}

function startLoads(
  world: World,
  forgeable: OutsiderOptions["forgeable"],
  { ratePerSecond, ...common }: Pick<LoadOptions, "history" | "ratePerSecond" | "secondsMax">,
): Load[] {
  const half = { ...common, ratePerSecond: ratePerSecond / 2, clients: 8 };
  const loginIds = world.site.loginIds.slice(0, hot);
  return [
    startLoad(world, { ...half, loginIds, sets: 0.15, sessions: 0.05 }),
    startLoad(world, { ...half, loginIds: forgeable.loginIds, sidecars: [forgeable.sidecar], sets: 0 }),
  ];
}

/** Every command, two at a time, first while nobody forges, then while somebody does; in the end all is repaired. */
async function runAll(operator: Operator, outsider: Outsider): Promise<Watched[]> {
  const { sync, syncKilled } = operator;
  const afterMs = Math.random() * killedWithinMs;
  const quiet = await twoAtATime(
    [
      () => syncKilled(afterMs, "warm", ...slowly),
      () => sync("warm", "--resume", ...steadily),
      () => sync("warm", "--keep", ...steadily),
    ],
    [() => sync("--show", ...steadily), () => sync("verify", "--repair", "--show", ...steadily)],
  );
  outsider.forge(true);
  const forged = await twoAtATime(
    [() => sync("warm", ...steadily), () => sync("--show", ...steadily)],
    [() => syncKilled(afterMs, ...slowly), () => sync("verify", "--repair", "--show", ...steadily)],
  );
  outsider.forge(false);
  forged.push(await sync("verify", "--repair", "--show"));
  return [
    ...quiet.map((run) => ({ ...run, isForging: false })),
    ...forged.map((run) => ({ ...run, isForging: true })),
  ];
}

type Step = () => Promise<SyncRun>;

async function twoAtATime(...columns: readonly (readonly Step[])[]): Promise<SyncRun[]> {
  return (await Promise.all(columns.map(inTurn))).flat();
}

async function inTurn(steps: readonly Step[]): Promise<SyncRun[]> {
  const runs: SyncRun[] = [];
  for (const step of steps) runs.push(await step());
  return runs;
}

function judgeRuns(runs: readonly Watched[], forgeable: readonly string[], rounds: number): Verdict {
  const finished = runs.filter(({ exit }) => exit !== "SIGKILL");
  const total = (name: string) => finished.reduce((sum, { figures }) => sum + (figures[name] ?? 0), 0);
  const isEnough = (name: keyof typeof minima) => total(name) >= rounds * minima[name];
  return {
    figures: {
      "runs finished": finished.length,
      "runs killed": runs.length - finished.length,
      "hashes filled by warm": total("filled"),
      "fills refused, or left to a writer": total("left"),
      "hashes repaired": total("repaired"),
    },
    failures: [
      ...finished.flatMap((run) => complaintsAbout(run, forgeable)).slice(0, 5),
      ...unless({
        "a run was not killed where it should have been": runs.length - finished.length === 2 * rounds,
        "warm has filled too few hashes to show anything": isEnough("filled"),
        "too few fills met a writer to show anything": isEnough("left"),
        "too few forged hashes were repaired to show anything": isEnough("repaired"),
      }),
    ],
  };
}

/** Status 1 is for differences alone, and only somebody who forges makes one. */
function complaintsAbout(run: Watched, forgeable: readonly string[]): string[] {
  const { words, exit, figures, differing, isForging, stderr } = run;
  const name = `sync ${words.join(" ")}`;
  const { complete = 0, differsFromRow = 0 } = figures;
  const others = (figures.userWithoutData ?? 0) + (figures.unknownUser ?? 0) + (figures.otherSpelling ?? 0);
  const unforged = differing.filter((loginId) => !forgeable.includes(loginId));
  return unless({
    [`${name} exited ${exit} with ${differsFromRow} differences: ${stderr.trim()}`]:
      exit === (differsFromRow > 0 ? 1 : 0) && complete === 1,
    [`${name} found ${differsFromRow} differences though only sidecars wrote`]:
      isForging || differsFromRow === 0,
    [`${name} found ${others} differences of a kind that nobody made`]: others === 0,
    [`${name} found a difference of ${unforged[0]}, whom nobody forged`]: unforged.length === 0,
  });
}
