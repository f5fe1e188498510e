import { constants } from "node:os";
import { codeOf } from "../../src/error-code.ts";
import { UsageWrong } from "../command.ts";

/** What a shell says and exits with if it cannot start a command, by the code of the failure. */
const startFailures: Readonly<Record<string, { readonly says: string; readonly status: number }>> = {
  ENOENT: { says: "There is no command", status: 127 },
  EACCES: { says: "This file may not be executed:", status: 126 },
};
/** A shell adds this to the number of the signal that ended a command. */
const signalBase = 128;

export interface Exec {
  /**
   * Runs the command and returns its exit status as a shell would: 128 plus the number of the signal if a signal ended
   * it. If a signal has already arrived, nothing is run.
   *
   * @throws {UsageWrong} no command is given
   */
  run(command: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<number>;
}

/** Forwards SIGINT and SIGTERM to the command, so that it ends before the servers that it uses. */
export function createExec(): Exec {
  let firstSignal: NodeJS.Signals | null = null;
  let child: Bun.Subprocess | null = null;

  function onSignal(signal: NodeJS.Signals): void {
    firstSignal ??= signal;
    // A terminal sends Ctrl-C to the command as well, and many programs stop without cleaning up on the second one.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child?.kill(signal);
  }
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);

  return {
    async run(command, environment) {
      const [name] = command;
      if (name === undefined) throw new UsageWrong("Say what to run: bun run emulator exec -- <command>");
      if (firstSignal !== null) return statusAfter(firstSignal);
      try {
        child = Bun.spawn([...command], {
          env: { ...environment },
          stdio: ["inherit", "inherit", "inherit"],
        });
      } catch (error) {
        const failure = startFailures[codeOf(error)];
        if (failure === undefined) throw error;
        process.stderr.write(`${failure.says} ${name}.\n`);
        return failure.status;
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
