import { type Command, type ExitStatus, UsageWrong } from "../../command.ts";
import { writeResult } from "../json-output.ts";
import { measureParts } from "./measure-parts.ts";

const help = `Times the parts of a request one by one: signature, body, session token, and
what the store sends to a real Redis.

  bun run bench micro
  bun run bench micro --filter 'token' --json micro.json

  --filter REGEX  only the parts whose name matches
  --json [FILE]   print JSON, or write it to the file

The first table is mitata's own. The second one shows what each command and
script costs Redis, as Redis reports it. Each part is checked before it is
timed.

Exits 0 if each part does its work, 1 if one does not or Redis is missing, 2 on
wrong usage.
`;

const options = {
  filter: { type: "string", default: "" },
  json: { type: "boolean", default: false },
} as const;

export const micro: Command<typeof options> = {
  help,
  options,
  async run([, file, ...others], { filter, json }): Promise<ExitStatus> {
    if (others.length > 0 || (file !== undefined && !json)) throw new UsageWrong("Only --json takes a file.");
    const result = await measureParts({ filter: regexOf(filter), isQuiet: json && file === undefined });
    await writeResult({ result, text: "", json, file });
    return 0;
  },
};

function regexOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new UsageWrong("--filter takes a regular expression.");
  }
}
