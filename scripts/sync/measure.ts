import { join } from "node:path";
import { SQL } from "bun";
import { Redis } from "ioredis";
import { type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { parseWhole } from "../quantities.ts";
import { type PostgresServer, startPostgres } from "../servers/postgres-server.ts";
import { type RedisServer, startRedis } from "../servers/redis-server.ts";
import { programPath } from "../servers/server-binaries.ts";
import { temporaryFolder } from "../servers/temporary-folder.ts";

const help = `Measures sync over a Postgres and a Redis of its own, beside COPY and
redis-cli --pipe with the same data.

  bun scripts/sync/measure.ts --users 1000000

  --users N   how many users, each with 1,000 bytes of data (default 100000)

Exits 0 if warm fills every user, and verify finds no difference, then exactly
the 1,000 hashes and 1,000 rows that are altered on purpose, and no difference
again after their repair. Exits 1 otherwise.
`;

const altered = 1000;
const prefix = "ownid:";
const loginIdOf = (number: number) => `user${number}@example.com`;

interface Bench {
  readonly users: number;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly folder: string;
}

interface Measured {
  readonly what: string;
  readonly seconds: number;
  /** Of this project's own process. */
  readonly peakMiB: number | null;
  /** What it printed. */
  readonly output: string;
}

await runCommand({
  help,
  options: { users: { type: "string", default: "100000" } },
  async run(operands, options) {
    if (operands.length > 0) throw new UsageWrong("The measurement takes options only.");
    const users = parseWhole("users", options.users, { least: 2 * altered, most: 100_000_000 });
    await using postgres = await startPostgres();
    await using redis = await startRedis();
    using folder = temporaryFolder();
    return await measure({ users, postgres, redis, folder: folder.path });
  },
});

async function measure(bench: Bench): Promise<ExitStatus> {
  await createUsers(bench);
  show(bench, await copyOut(bench));
  show(bench, await pipeIn(bench));
  const found: unknown[] = [];
  for (const words of [
    ["warm"],
    ["verify"],
    "alter",
    ["verify"],
    ["verify", "--repair"],
    ["verify"],
  ] as const) {
    if (words === "alter") {
      await alterBehindItsBack(bench);
      continue;
    }
    const run = await sync(bench, words);
    show(bench, run);
    const { filled, differsFromRow } = JSON.parse(run.output);
    found.push(filled ?? differsFromRow);
  }
  const expected = [bench.users, 0, 2 * altered, 2 * altered, 0];
  const isRight = Bun.deepEquals(found, expected);
  process.stdout.write(`${isRight ? "right" : "WRONG"}: filled and then found ${found.join(", ")}\n`);
  return isRight ? 0 : 1;
}

function show({ users }: Bench, { what, seconds, peakMiB }: Measured): void {
  const perSecond = Math.round(users / seconds).toLocaleString("en-US");
  const memory = peakMiB === null ? "" : `  ${Math.round(peakMiB)} MiB at most`;
  const line = `${what.padEnd(22)} ${seconds.toFixed(1).padStart(7)} s  ${perSecond.padStart(9)} users/s${memory}`;
  process.stdout.write(`${line}\n`);
}

async function createUsers({ users, postgres }: Bench): Promise<void> {
  const sql = new SQL(postgres.url(), { max: 1 });
  await sql.unsafe('CREATE TABLE users (email varchar(320) NOT NULL UNIQUE, "ownIdData" text)');
  await sql.unsafe(
    `INSERT INTO users SELECT 'user' || i || '@example.com', repeat(md5(i::text), 31) || '{"a": 1}'
     FROM generate_series(1, ${users}) i`,
  );
  await sql.unsafe("VACUUM ANALYZE users");
  await sql.close();
}

/** What it costs Postgres to give all of it away. */
function copyOut({ postgres }: Bench): Promise<Measured> {
  const copy = 'COPY users (email, "ownIdData") TO STDOUT';
  return timed("COPY … TO STDOUT", [programPath("psql"), "--no-psqlrc", "-c", copy, postgres.url()]);
}

/** What it costs Redis to take all of it in: the same hashes, written without any protocol. */
async function pipeIn({ users, redis, folder }: Bench): Promise<Measured> {
  const path = join(folder, "commands");
  const file = Bun.file(path).writer();
  for (let number = 1; number <= users; number += 1) {
    const key = `${prefix}user:${loginIdOf(number)}`;
    const value = `${new Bun.CryptoHasher("md5").update(String(number)).digest("hex").repeat(31)}{"a": 1}`;
    file.write(resp("HSET", key, "e", "8 bytes.", "t", "a token of 22 letters.", "v", value));
    file.write(resp("PEXPIRE", key, "3600000"));
    if (number % 1000 === 0) await file.flush();
  }
  await file.end();
  const pipe = 'exec "$0" -p "$1" --pipe <"$2"';
  const argv = ["sh", "-c", pipe, programPath("redis-cli"), String(redis.port), path];
  const measured = await timed("redis-cli --pipe", argv);
  const client = new Redis(redis.url());
  await client.flushall();
  client.disconnect();
  return measured;
}

function resp(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

/** The time is what the command says: without its start and the wait for the grace. */
async function sync({ postgres, redis, folder }: Bench, words: readonly string[]): Promise<Measured> {
  const command = join(import.meta.dir, "index.ts");
  const child = Bun.spawn([process.execPath, command, ...words, "--json"], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? "",
      DATABASE_URL: postgres.url(),
      REDIS_URL: redis.url(),
      REDIS_KEY_PREFIX: prefix,
    },
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await child.stdout.text();
  await child.exited;
  const peakMiB = (child.resourceUsage()?.maxRSS ?? 0) / 2 ** 20;
  return { what: `sync ${words.join(" ")}`, seconds: Number(JSON.parse(output).seconds), peakMiB, output };
}

async function timed(what: string, argv: readonly string[]): Promise<Measured> {
  const startedAt = performance.now();
  const child = Bun.spawn([...argv], { stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${what} failed`);
  return { what, seconds: (performance.now() - startedAt) / 1000, peakMiB: null, output: "" };
}

/** As a forger does, and as a site does that tells nobody. */
async function alterBehindItsBack({ postgres, redis }: Bench): Promise<void> {
  const client = new Redis(redis.url());
  const sql = new SQL(postgres.url(), { max: 1 });
  for (let number = 1; number <= altered; number += 1) {
    await client.hset(`${prefix}user:${loginIdOf(number)}`, "v", "forged");
    await sql.unsafe('UPDATE users SET "ownIdData" = $1 WHERE email = $2', [
      "restored",
      loginIdOf(number + altered),
    ]);
  }
  client.disconnect();
  await sql.close();
}
