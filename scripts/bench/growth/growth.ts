import { type Command, type ExitStatus, UsageWrong } from "../../command.ts";
import { showStep } from "../../progress.ts";
import { parseWhole } from "../../quantities.ts";
import { writeResult } from "../json-output.ts";
import { wrkPath } from "../wrk.ts";
import { growthTable, sizingMarkdown } from "./growth-report.ts";
import { growthTargets } from "./growth-targets.ts";
import { measureGrowth } from "./measure-growth.ts";

const help = `Measures how a lookup, the memory of Redis and the sidecar's own memory change
as the number of users grows.

  bun run bench growth
  bun run bench growth --users 10000,100000 --json growth.json

  --users N,N,…  the numbers of users, ascending (default 10000,100000,1000000,
                 which takes six minutes and 3 GB of memory)
  --rounds N     how often each is measured (default 7)
  --seconds N    how long each time (default 2)
  --markdown     print the sizing section of README.md as well
  --json [FILE]  print JSON, or write it to the file

Each number of users has a Redis of its own. All of them run at once and are
measured in turn, each time by a fresh sidecar with users drawn at random.

Exits 0 if every answer was right, also if a target is not met. Exits 1 if an
answer was wrong or a server is missing, 2 on wrong usage.
`;

const options = {
  users: { type: "string", default: "10000,100000,1000000" },
  rounds: { type: "string", default: "7" },
  seconds: { type: "string", default: "2" },
  markdown: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

const usersMax = 5_000_000;
const upTo60 = { least: 1, most: 60 };

export const growth: Command<typeof options> = {
  help,
  options,
  async run([, file, ...others], { users, rounds, seconds, markdown, json }): Promise<ExitStatus> {
    if (others.length > 0 || (file !== undefined && !json)) throw new UsageWrong("Only --json takes a file.");
    const growthOptions = {
      users: populationsOf(users),
      rounds: parseWhole("rounds", rounds, upTo60),
      secondsPerRound: parseWhole("seconds", seconds, upTo60),
      say: showStep,
    };
    // Said before Redis is filled, which takes minutes.
    wrkPath();
    const result = await measureGrowth(growthOptions);
    showStep("");
    const targets = growthTargets(result);
    const section = markdown ? `\n${sizingMarkdown(result)}` : "";
    const text = growthTable(result, targets) + section;
    await writeResult({ result: { ...result, targets }, text, json, file });
    return 0;
  },
};

function populationsOf(text: string): number[] {
  const users = text.split(",").map((number) => parseWhole("users", number, { least: 1, most: usersMax }));
  if (users.every((count, index) => index === 0 || count > (users[index - 1] ?? 0))) return users;
  throw new UsageWrong("--users takes ascending numbers with commas between them.");
}
