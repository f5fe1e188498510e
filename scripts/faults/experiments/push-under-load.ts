import { ask } from "../harness/client.ts";
import { experiment, unless } from "../harness/experiment.ts";
import { knownNotDone } from "../harness/history.ts";
import { untilTrue } from "../harness/load.ts";
import { createOperator, type Operator, type SyncRun } from "../harness/operator.ts";
import { startWorld, type World } from "../harness/world.ts";

interface Parameters {
  readonly users: number;
  /** The rate of the push. It is low, so that many sets come in between. */
  readonly ratePerSecond: number;
  /**
   * The rate of the sets. The push skips users whom a sidecar has set, so the rate is low enough that most users are
   * not set.
   */
  readonly setsPerSecond: number;
  readonly setsMin: number;
}

/** Returns what the backup holds. The hashes hold newer data. */
const older = (loginId: string) => `older data of ${loginId}`;
const clients = 9;
/** A push is killed after it has written this share of the rows. */
const killedAfter = 0.2;

export const pushUnderLoad = experiment<Parameters>({
  id: "push-under-load",
  title: "sync push updates a restored table while three sidecars write; it is killed halfway and resumed",
  passes: "0 acknowledged sets are overwritten, although some of them restore what the backup held",
  small: { users: 600, ratePerSecond: 120, setsPerSecond: 30, setsMin: 50 },
  full: { users: 10_000, ratePerSecond: 250, setsPerSecond: 60, setsMin: 1000 },
  async run({ users, ratePerSecond, setsPerSecond, setsMin }, progress) {
    await using world = await startWorld({
      sidecars: 3,
      users,
      times: { statementMs: 2000, graceMs: 5100, quarantineMs: 120_000, tokenMs: 10_000, ttlSeconds: 3600 },
    });
    using operator = await createOperator(world);
    await world.untilFilling();
    await restoreBackup(world, operator);
    const listed = await operator.sync("push");
    progress(`${listed.figures.listed} rows are older than their hashes`);
    const writers = startWriters(world, (1000 * clients) / setsPerSecond);
    const words = ["push", "--yes", "--rate", String(ratePerSecond)] as const;
    const killed = await killHalfway(world, operator, words, users);
    progress(`killed after ${await rowsHolding(world, "newer")} rows`);
    const resumed = await operator.sync(...words);
    const again = await operator.sync(...words);
    const sets = await writers.stop();
    const { overwritten, checked } = await judge(world, sets);
    const written = [resumed, again].reduce((sum, { figures }) => sum + (figures.written ?? 0), 0);
    const acknowledged = [...sets.values()].reduce((sum, { count }) => sum + count, 0);
    return {
      figures: {
        "rows listed": listed.figures.listed ?? 0,
        "rows written after the kill": written,
        "sets acknowledged meanwhile": acknowledged,
        "users checked": checked,
        "acknowledged sets overwritten": overwritten.length,
      },
      failures: [
        ...overwritten.slice(0, 5),
        ...unless({
          "the push was not killed": killed.exit === "SIGKILL",
          [`the resumed push stopped early: ${resumed.stderr.trim()}`]: resumed.figures.complete === 1,
          "not every row was listed": listed.figures.listed === users,
          "the push had nothing left to write": written > 0,
          "there were too few sets during the push to show anything": acknowledged >= setsMin,
        }),
      ],
    };
  },
});

/** Fills every hash with a newer value than its row holds. */
async function restoreBackup({ site }: World, operator: Operator): Promise<void> {
  const write = (words: string) =>
    site.run(`UPDATE users SET "ownIdData" = '${words} data of ' || email WHERE email LIKE 'user%'`);
  await write("newer");
  const { exit, stderr } = await operator.sync("warm");
  if (exit !== 0) throw new Error(`warm failed: ${stderr}`);
  await write("older");
}

async function killHalfway(
  world: World,
  operator: Operator,
  words: readonly string[],
  users: number,
): Promise<SyncRun> {
  const reached = untilTrue(
    "the push is halfway",
    async () => (await rowsHolding(world, "newer")) > killedAfter * users,
    { limitMs: 120_000, everyMs: 50 },
  );
  return operator.syncKilledWhen(reached, ...words);
}

async function rowsHolding({ site }: World, words: string): Promise<number> {
  const [row] = await site.run(
    `SELECT count(*) AS rows FROM users WHERE "ownIdData" LIKE '${words} data of %'`,
  );
  return Number(row?.rows);
}

/** What is known about a user's row: the last acknowledged value, and the values of sets with an unknown outcome. */
interface Sets {
  count: number;
  acknowledged: string;
  readonly perhaps: Set<string>;
}

/** Starts the writers. Each user is written by only one client, so that the order of the sets is known. */
function startWriters(world: World, pauseMs: number) {
  const sets = new Map<string, Sets>();
  let isStopped = false;
  let values = 0;

  async function set(number: number, loginId: string, value: string): Promise<boolean> {
    const sidecar = world.sidecar(number % world.sidecars.length);
    const known = sets.get(loginId) ?? { count: 0, acknowledged: "", perhaps: new Set() };
    sets.set(loginId, known);
    for (let tries = 0; tries < 3; tries += 1) {
      const { status, code } = await ask.set(sidecar, loginId, value);
      if (status === 204) {
        Object.assign(known, { acknowledged: value, count: known.count + 1 });
        known.perhaps.clear();
        return true;
      }
      if (!knownNotDone.has(code)) known.perhaps.add(value);
      // Look up the value before writing it again, as OwnID does.
      await ask.get(sidecar, loginId);
    }
    return false;
  }

  async function runClient(number: number): Promise<void> {
    const own = world.site.loginIds.filter((_, index) => index % clients === number);
    while (!isStopped) {
      await Bun.sleep(pauseMs);
      const loginId = own[Math.floor(Math.random() * own.length)] ?? "";
      const isAdded = await set(number, loginId, `device ${++values}`);
      // Add a device and remove it again, so that the row holds the same value as when it was listed.
      if (isAdded && values % 2 === 0) await set(number + 1, loginId, older(loginId));
    }
  }

  const done = Promise.all(Array.from({ length: clients }, (_, number) => runClient(number)));
  return {
    async stop(): Promise<ReadonlyMap<string, Sets>> {
      isStopped = true;
      await done;
      return sets;
    },
  };
}

/**
 * Returns a sentence for each user whose row holds a value that is neither their last acknowledged set nor one with an
 * unknown outcome.
 */
async function judge({ site }: World, sets: ReadonlyMap<string, Sets>) {
  const rows = await site.run(`SELECT email, "ownIdData" AS data FROM users`);
  const checked = rows.flatMap(({ email, data }) => {
    const known = sets.get(String(email));
    return known === undefined || known.count === 0
      ? []
      : [{ email: String(email), data: String(data), known }];
  });
  const wrong = checked.filter(({ data, known }) => data !== known.acknowledged && !known.perhaps.has(data));
  const overwritten = wrong.map(
    ({ email, data, known }) =>
      `the row of ${email} holds "${data}" although "${known.acknowledged}" was acknowledged`,
  );
  return { checked: checked.length, overwritten };
}
