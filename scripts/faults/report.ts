import { join } from "node:path";
import { SQL } from "bun";
import { wrapBeside } from "../columns.ts";
import { startRedis } from "../servers/redis-server.ts";
import type { Experiment, Size } from "./harness/experiment.ts";
import type { Verdict } from "./harness/history.ts";
import { tellRedis } from "./harness/redis-admin.ts";
import { sharedPostgres } from "./harness/world.ts";

export interface Result {
  readonly experiment: Pick<Experiment, "id" | "title" | "passes">;
  readonly size: Size;
  readonly seconds: number;
  readonly verdict: Verdict;
}

/** The conditions under which the experiments ran. */
export interface Setting {
  readonly date: string;
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeSetting(): Promise<Setting> {
  const [redis, postgres] = await Promise.all([readRedisVersion(), readPostgresVersion()]);
  const commit = git("rev-parse", "--short", "HEAD");
  const isChanged = git("status", "--porcelain", "--", "src") !== "";
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    versions: {
      sidecar: `commit ${commit}${isChanged ? " with uncommitted changes" : ""}`,
      Bun: Bun.version,
      Redis: redis,
      Postgres: postgres,
    },
  };
}

async function readRedisVersion(): Promise<string> {
  await using redis = await startRedis();
  const info = String(await tellRedis(redis, "INFO", "server"));
  return /redis_version:(\S+)/.exec(info)?.[1] ?? "unknown";
}

async function readPostgresVersion(): Promise<string> {
  const sql = new SQL((await sharedPostgres()).url(), { max: 1 });
  try {
    const [row] = await sql`SELECT current_setting('server_version') AS version`;
    return String(row?.version);
  } finally {
    await sql.close();
  }
}

function git(...args: string[]): string {
  const root = join(import.meta.dir, "../..");
  return Bun.spawnSync(["git", "-C", root, ...args])
    .stdout.toString()
    .trim();
}

const holds = ({ verdict }: Result) => verdict.failures.length === 0;

export function markdownOf({ date, versions }: Setting, results: readonly Result[]): string {
  const facts = Object.entries(versions).map(([name, version]) => `- ${name}: ${version}`);
  const rows = results.map(
    (result) =>
      `| ${result.experiment.id} | ${result.experiment.title} | ${result.size} | ${holds(result) ? "holds" : "**fails**"} | ${Math.round(result.seconds)} s |`,
  );
  return [
    "# Fault experiments",
    "",
    "Written by `bun run faults`, which runs real sidecar processes over a real Redis and a real database on one machine. The",
    "size `full` has long runs with many faults; `small` is the size of the test run.",
    "",
    `- ${date} UTC`,
    ...facts,
    "",
    "| id | experiment | size | result | took |",
    "|---|---|---|---|---|",
    ...rows,
    ...results.flatMap(sectionOf),
    "",
  ].join("\n");
}

function sectionOf({ experiment, size, verdict }: Result): string[] {
  const figures = Object.entries(verdict.figures).map(([name, value]) => `| ${name} | ${value} |`);
  return [
    "",
    `## ${experiment.id}: ${experiment.title}`,
    "",
    `Passes if: ${experiment.passes}.`,
    "",
    `| ${size} | |`,
    "|---|---|",
    ...figures,
    ...(verdict.failures.length > 0 ? ["", "It failed:", ""] : []),
    ...verdict.failures.map((failure) => `- ${failure}`),
  ];
}

const idWidth = 17;
const columnOfText = idWidth + 9;
const beside = (text: string) => wrapBeside(columnOfText, text);

export function tableOf(results: readonly Result[]): string {
  const lines = results.flatMap((result) => [
    `${holds(result) ? "holds" : "FAILS"}  ${result.experiment.id.padEnd(idWidth)}  ${beside(`${result.experiment.title} (${result.size}, ${Math.round(result.seconds)} s)`)}`,
    `${" ".repeat(columnOfText)}${beside(
      Object.entries(result.verdict.figures)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    )}`,
    ...result.verdict.failures.map((failure) => `${" ".repeat(columnOfText)}${beside(`! ${failure}`)}`),
  ]);
  return `${lines.join("\n")}\n`;
}
