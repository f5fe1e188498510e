import { combine, experiment, provenByUse, unless } from "../harness/experiment.ts";
import { createHistory, type History, judge, type Verdict } from "../harness/history.ts";
import { type Load, type LoadOptions, startLoad } from "../harness/load.ts";
import { createOperator, type Operator, type SyncRun } from "../harness/operator.ts";
import { type Outsider, type OutsiderOptions, startOutsider } from "../harness/outsider.ts";
import { startWorld, type World } from "../harness/world.ts";

/**
 * The number of users whose hashes are written only by sidecars and the operator, and of those whose hashes are also
 * forged.
 */
const [regularUsers, forgeableUsers] = [24, 16];
const sidecars = 3;
const forgery = "forged ";
/**
 * Options for a run that is killed. It is killed within this time after its first progress message, long before its
 * end.
 */
const slowOptions = ["--batch", "4", "--rate", "15"];
const killedWithinMs = 400;
/** Options for the other runs. They start a batch every 160 ms, so one begins while rows are held back. */
const steadyOptions = ["--batch", "8", "--rate", "50"];

/** What each round must reach at least. Otherwise the experiment shows nothing. */
const minima = { filled: 4, left: 3, repaired: 1 };

interface Parameters {
  readonly rounds: number;
  readonly ratePerSecond: number;
}

/** A run of the operator, and whether hashes were forged in the meantime. */
interface Watched extends SyncRun {
  readonly isForging: boolean;
}

export const syncUnderLoad = experiment<Parameters>({
  id: "sync-under-load",
  title:
    "warm, sync and verify --repair run again and again, some of them killed, while three sidecars serve and write",
  passes:
    "there is no stale answer, no acknowledged set is lost, sync finds no difference and exits 0 while only sidecars write, and if hashes are forged, it finds and repairs these and no others",
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
    const figures = {
      rounds,
      "sets between a row and its fill": outsider.setsBeforeFill(),
      "hashes forged": outsider.forged(),
    };
    const ofRuns = judgeRuns(runs, forgeable.loginIds, rounds);
    return provenByUse(combine({ figures, failures: [] }, ofRuns, verdict));
  },
});

function startSyncedWorld(): Promise<World> {
  return startWorld({
    sidecars,
    users: regularUsers + forgeableUsers,
    times: { statementMs: 2000, graceMs: 5100, quarantineMs: 6000, ttlSeconds: 20 },
    settings: { AUDIT_SHARE: "0.05" },
    // Runs that were killed keep their connections for a while, so this Postgres is not shared.
    postgresSettings: { max_connections: "200" },
    settingsOf: (number): Record<string, string> => (number === sidecars - 1 ? { AUDIT_SHARE: "0" } : {}),
  });
}

/** Gives every user data, so that a warm fills every hash that it finds empty. */
async function enrolEveryone({ sidecar, site }: World, history: History): Promise<void> {
  await Promise.all(site.loginIds.map((loginId) => history.set(sidecar(0), loginId)));
}

/**
 * Returns the last users and the last sidecar. This sidecar does not audit hits, since an audit would report the forged
 * values.
 */
function forgeableOf({ sidecar, site }: World): OutsiderOptions["forgeable"] {
  return { loginIds: site.loginIds.slice(regularUsers), sidecar: sidecar(sidecars - 1) };
}

function startLoads(
  world: World,
  forgeable: OutsiderOptions["forgeable"],
  { ratePerSecond, ...common }: Pick<LoadOptions, "history" | "ratePerSecond" | "secondsMax">,
): Load[] {
  const half = { ...common, ratePerSecond: ratePerSecond / 2, clients: 8 };
  const loginIds = world.site.loginIds.slice(0, regularUsers);
  return [
    startLoad(world, { ...half, loginIds, sets: 0.15, sessions: 0.05 }),
    startLoad(world, { ...half, loginIds: forgeable.loginIds, sidecars: [forgeable.sidecar], sets: 0 }),
  ];
}

/** Runs every command, two at a time: first without forging and then with it. The last run repairs everything. */
async function runAll(operator: Operator, outsider: Outsider): Promise<Watched[]> {
  const { sync, syncKilled } = operator;
  const afterMs = Math.random() * killedWithinMs;
  const quiet = await twoAtATime(
    [
      () => syncKilled(afterMs, "warm", ...slowOptions),
      () => sync("warm", "--resume", ...steadyOptions),
      () => sync("warm", "--keep", ...steadyOptions),
    ],
    [() => sync("--show", ...steadyOptions), () => sync("verify", "--repair", "--show", ...steadyOptions)],
  );
  outsider.forge(true);
  const forged = await twoAtATime(
    [() => sync("warm", ...steadyOptions), () => sync("--show", ...steadyOptions)],
    [() => syncKilled(afterMs, ...slowOptions), () => sync("verify", "--repair", "--show", ...steadyOptions)],
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
      "fills refused or skipped": total("left"),
      "hashes repaired": total("repaired"),
    },
    failures: [
      ...finished.flatMap((run) => complaintsAbout(run, forgeable)).slice(0, 5),
      ...unless({
        "a run that should have been killed was not": runs.length - finished.length === 2 * rounds,
        "warm filled too few hashes to show anything": isEnough("filled"),
        "too few fills overlapped a write to show anything": isEnough("left"),
        "too few forged hashes were repaired to show anything": isEnough("repaired"),
      }),
    ],
  };
}

/** Exit status 1 must mean differences only, and only forging may cause them. */
function complaintsAbout(run: Watched, forgeable: readonly string[]): string[] {
  const { words, exit, figures, differing, isForging, stderr } = run;
  const name = `sync ${words.join(" ")}`;
  const { complete = 0, differsFromRow = 0 } = figures;
  const others = (figures.userWithoutData ?? 0) + (figures.unknownUser ?? 0) + (figures.otherSpelling ?? 0);
  const unforged = differing.filter((loginId) => !forgeable.includes(loginId));
  return unless({
    [`${name} exited ${exit} with ${differsFromRow} differences: ${stderr.trim()}`]:
      exit === (differsFromRow > 0 ? 1 : 0) && complete === 1,
    [`${name} found ${differsFromRow} differences although only sidecars wrote`]:
      isForging || differsFromRow === 0,
    [`${name} found ${others} differences of a kind that forging does not cause`]: others === 0,
    [`${name} found a difference for ${unforged[0]}, whose hash was not forged`]: unforged.length === 0,
  });
}
