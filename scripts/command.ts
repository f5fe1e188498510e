import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { distance } from "fastest-levenshtein";
import { codeOf } from "../src/error-code.ts";
import { ConfigurationInvalid } from "../src/errors.ts";
import { withRunner } from "../src/process/greeting.ts";
import { reasonOf } from "./reason.ts";

/**
 * The exit statuses of every command: 0 if what was asked holds, 1 if it does not, 2 for wrong usage, 78 for wrong
 * configuration.
 */
export type ExitStatus = 0 | 1;

/** The process does not end, but continues as what this function starts. */
export type Continuation = () => Promise<unknown>;

/** The command was called incorrectly. `message` says how to call it. */
export class UsageWrong extends Error {}

/** @throws {UsageWrong} the command has operands */
export function refuseOperands(operands: readonly string[], command: string): void {
  if (operands.length > 0) throw new UsageWrong(`bun run ${command} takes no operands.`);
}

export interface Command<Options extends ParseArgsOptionsConfig, Outcome = ExitStatus> {
  /** The text of `--help`. */
  readonly help: string;
  readonly options: Options;
  /** The form of operands that may begin with a dash. Without `--` in front, they would be taken for options. */
  readonly dashed?: RegExp;
  run(
    operands: readonly string[],
    options: ReturnType<typeof parseArgs<{ options: Options; allowPositionals: true }>>["values"],
  ): Promise<Outcome>;
}

/** An unknown option counts as a misspelling of a known one if it differs by at most this many letters. */
const typosMax = ({ length }: string) => (length > 4 ? 2 : 1);

/** The exit status if the reader of the output leaves while the command works. */
let statusWithoutReader: number = 1;
/** Whether a file or a device refused output, for example because the disk is full. */
let isOutputLost = false;

/**
 * Runs a command with the arguments of this process, and ends the process with its exit status. If the reader of the
 * output leaves, as `head -1` does, the command ends without a message.
 */
export async function runCommand<const Options extends ParseArgsOptionsConfig>(
  command: Command<Options, ExitStatus | Continuation>,
): Promise<void> {
  process.stdout.on("error", endWithoutReader);
  process.stderr.on("error", ignore);
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(command.help);
    return end(0);
  }
  try {
    const { values, positionals } = parse(args, command);
    const outcome = await command.run(positionals, values);
    if (typeof outcome === "number") return await end(outcome);
    process.stdout.off("error", endWithoutReader);
    process.stderr.off("error", ignore);
    await outcome();
  } catch (error) {
    if (error instanceof UsageWrong) return end(2, `${error.message}\nSee --help.`);
    if (error instanceof ConfigurationInvalid) return end(78, error.problems.join("\n"));
    if (codeOf(error) === "") throw error;
    return end(1, `This command ended early: ${reasonOf(error)}`);
  }
}

function parse<const Options extends ParseArgsOptionsConfig, Outcome>(
  args: string[],
  { options, dashed }: Pick<Command<Options, Outcome>, "options" | "dashed">,
) {
  try {
    return parseArgs({ args: withMarkedOperands(args, dashed), options, allowPositionals: true });
  } catch (error) {
    throw new UsageWrong(plainly(reasonOf(error), Object.keys(options)));
  }
}

/** Moves the operands of this form behind `--`, unless the caller has written it. */
function withMarkedOperands(args: string[], dashed: RegExp | undefined): string[] {
  if (dashed === undefined || args.includes("--")) return args;
  const isOperand = (argument: string) => dashed.test(argument);
  return [...args.filter((argument) => !isOperand(argument)), "--", ...args.filter(isOperand)];
}

/** Returns what `parseArgs` says about an option, without its advice on operands that begin with a dash. */
function plainly(reason: string, known: readonly string[]): string {
  const [, unknown] = /^Unknown option '(.+?)'/.exec(reason) ?? [];
  if (unknown !== undefined) {
    const name = unknown.replace(/^-+/, "");
    const meant = known.find((option) => distance(option, name) <= typosMax(option));
    return `There is no option ${unknown}.${meant === undefined ? "" : ` Did you mean --${meant}?`}`;
  }
  const [, incomplete] =
    /^Option '(?:-\w, )?(--[^ ']+)(?: <value>)?' argument (?:missing|is ambiguous)/.exec(reason) ?? [];
  if (incomplete === undefined) return reason;
  return `${incomplete} needs a value. Write one that begins with a dash as ${incomplete}=VALUE.`;
}

/** Ends the process once everything that it wrote has been read. */
async function end(status: number, message = ""): Promise<void> {
  statusWithoutReader = status;
  if (message !== "") process.stderr.write(`${withRunner(message)}\n`);
  await ended(process.stdout);
  await ended(process.stderr);
  process.exit(isOutputLost ? 1 : status);
}

function ended(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.end(() => resolve()));
}

function endWithoutReader(error: unknown): void {
  isOutputLost = codeOf(error) !== "EPIPE";
  if (isOutputLost) process.stderr.write(`The output cannot be written: ${reasonOf(error)}\n`);
  // The process does not exit immediately, because a command whose work is done still has to set its status.
  setImmediate(() => process.exit(isOutputLost ? 1 : statusWithoutReader));
}

function ignore(): void {}
