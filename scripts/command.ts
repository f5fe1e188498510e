import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { ConfigurationInvalid } from "../src/errors.ts";

/** What every command promises: 0 what was asked holds, 1 it does not, 2 wrong usage, 78 wrong configuration. */
export type ExitStatus = 0 | 1;

/** The command was called wrongly. `message` says how it is called rightly. */
export class UsageWrong extends Error {}

export interface Command<Options extends ParseArgsOptionsConfig> {
  /** What `--help` prints. */
  readonly help: string;
  readonly options: Options;
  run(
    operands: readonly string[],
    options: ReturnType<typeof parseArgs<{ options: Options; allowPositionals: true }>>["values"],
  ): Promise<ExitStatus>;
}

/** Runs a command with this process's arguments and ends the process with its exit status. */
export async function runCommand<const Options extends ParseArgsOptionsConfig>(command: Command<Options>) {
  const args = process.argv.slice(2);
  if (args.includes("--help")) {
    process.stdout.write(command.help);
    process.exit(0);
  }
  try {
    const { values, positionals } = parse(args, command.options);
    process.exit(await command.run(positionals, values));
  } catch (error) {
    if (error instanceof UsageWrong) end(2, `${error.message}\nSee --help.`);
    if (error instanceof ConfigurationInvalid) end(78, error.problems.join("\n"));
    throw error;
  }
}

function parse<const Options extends ParseArgsOptionsConfig>(args: string[], options: Options) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageWrong(error instanceof Error ? error.message : "These arguments are not understood.");
  }
}

function end(status: number, message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}
