import type { Environment } from "../../src/config/setting-reader.ts";
import { type Continuation, type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { commandEnvironment } from "../command-environment.ts";
import { print, tell } from "../progress.ts";
import { stopOnSignal, untilStopped } from "../stop-on-signal.ts";
import { addressesText, variablesOf } from "./addresses.ts";
import { besideSidecar } from "./beside-sidecar.ts";
import { CannotStart } from "./cannot-start.ts";
import { createExec } from "./exec.ts";
import { help } from "./help.ts";
import { defaultPort, emulatorOptions, parseLocalBaseUrl, parseOrigin, parsePort } from "./options.ts";
import type { RunOptions } from "./run.ts";
import { createPlayground, isGiven } from "./sidecar/playground.ts";
import type { WorkingDirectory } from "./sidecar/sidecar.ts";

await runCommand({
  help,
  options: emulatorOptions,
  async run([subcommand, ...command], options): Promise<ExitStatus | Continuation> {
    const isExec = subcommand === "exec";
    if (subcommand !== undefined && !isExec)
      throw new UsageWrong(`The emulator has no command ${subcommand}.`);
    if (isExec && command.length === 0) {
      throw new UsageWrong("Say what to run: bun run emulator exec -- <command>");
    }
    const environment = commandEnvironment();
    if (environment.NODE_ENV === "production") {
      throw new UsageWrong(
        "The emulator can sign in as any user, so it does not run with NODE_ENV=production.",
      );
    }
    const given: Given = {
      environment,
      baseUrl: options.url === undefined ? null : parseLocalBaseUrl(options.url),
      isJson: options.json,
      runOptions: {
        port: options.port === undefined ? (isExec ? 0 : defaultPort) : parsePort(options.port),
        siteOrigins: (options.origin ?? []).map(parseOrigin),
        seedFile: options.seed ?? null,
        stateFile: options.state ?? null,
        oneTimeCode: options.code,
      },
    };
    try {
      if (!isExec) return await serve(given);
      const status = await execute(command, given);
      return async () => process.exit(status);
    } catch (error) {
      if (!(error instanceof CannotStart)) throw error;
      tell(`${error.message}\n`);
      return 1;
    }
  },
});

interface Given {
  readonly environment: Environment;
  readonly baseUrl: string | null;
  readonly isJson: boolean;
  readonly runOptions: RunOptions;
}

/** Runs until SIGINT or SIGTERM arrives. */
function serve({ isJson, ...given }: Given): Promise<ExitStatus> {
  const place = { directory: currentDirectory(), mayAttach: true };
  // Installed before the start, because a reader of the addresses may stop the emulator at once.
  const stop = stopOnSignal("Stopping.");
  return besideSidecar<ExitStatus>({ ...given, ...place }, async ({ addresses }, sidecar) => {
    print(isJson ? `${JSON.stringify(addresses)}\n` : addressesText(addresses, sidecar));
    await untilStopped(stop);
    return 0;
  });
}

/** Runs until the command ends, and returns its exit status. Without `DATABASE_URL`, the run gets its own database. */
async function execute(command: readonly string[], given: Given): Promise<number> {
  const { environment, baseUrl } = given;
  if (isGiven(environment, "DATABASE_URL") || baseUrl !== null)
    return executeIn(currentDirectory(), command, given);
  using playground = await createPlayground(environment);
  const directory = { path: playground.folder, isTemporary: true };
  return await executeIn(directory, command, { ...given, environment: playground.environment });
}

function executeIn(
  directory: WorkingDirectory,
  command: readonly string[],
  { isJson, ...given }: Given,
): Promise<number> {
  const exec = createExec();
  return besideSidecar({ ...given, directory, mayAttach: false }, async ({ addresses }, sidecar) => {
    if (isJson) tell(`${JSON.stringify(addresses)}\n`);
    return exec.run(command, { ...given.environment, ...variablesOf(addresses, sidecar) });
  });
}

function currentDirectory(): WorkingDirectory {
  return { path: process.cwd(), isTemporary: false };
}
