import { constants } from "node:os";
import { UsageWrong } from "../command.ts";
import { codeOf } from "../reason.ts";

/** What a shell answers for a command that it does not find. */
const statusNotFound = 127;
/** What a shell adds to the number of the signal that ended a command. */
const signalBase = 128;

export interface Exec {
  /**
   * Runs the command to its end and returns its exit status, as a shell would: with 128 and the signal's number if a
   * signal ended it. Runs nothing if a signal has come before.
   *
   * @throws {UsageWrong} no command is given
   */
  run(command: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<number>;
}

/** Passes SIGINT and SIGTERM on to the command from now on, so that it ends first and what it uses ends after it. */
export function createExec(): Exec {
  let first: NodeJS.Signals | null = null;
  let child: Bun.Subprocess | null = null;

  function onSignal(signal: NodeJS.Signals): void {
    first ??= signal;
    // A terminal has given a Ctrl-C to the command itself; a second one would count as impatience.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child?.kill(signal);
  }
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);

  return {
    async run(command, environment) {
      const [name] = command;
      if (name === undefined) throw new UsageWrong("Say what to run: bun run emulator exec -- <command>");
      if (first !== null) return statusAfter(first);
      try {
        child = Bun.spawn([...command], {
          env: { ...environment },
          stdio: ["inherit", "inherit", "inherit"],
        });
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
        process.stderr.write(`There is no command ${name}.\n`);
        return statusNotFound;
      }
      await child.exited;
      const { exitCode, signalCode } = child;
      return signalCode === null ? (exitCode ?? 1) : statusAfter(signalCode);
    },
  };
}

function statusAfter(signal: NodeJS.Signals | number): number {
  return signalBase + (typeof signal === "number" ? signal : constants.signals[signal]);
}
