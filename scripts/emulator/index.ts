import { type Config, loadConfig } from "../../src/config/load-config.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { developmentSharedSecret } from "../../src/process/development.ts";
import { type Continuation, type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { commandEnvironment } from "../command-environment.ts";
import { print, tell } from "../progress.ts";
import { stopOnSignal, untilStopped } from "../stop-on-signal.ts";
import { addressesText, addressVariables } from "./addresses.ts";
import { createExec } from "./exec.ts";
import { help } from "./help.ts";
import { defaultPort, emulatorOptions, parseBaseUrl, parseOrigin, parsePort } from "./options.ts";
import { type RunOptions, startRun } from "./run.ts";
import { openSidecar } from "./sidecar/open-sidecar.ts";
import { createPlayground } from "./sidecar/playground.ts";

await runCommand({
  help,
  options: emulatorOptions,
  async run([subcommand, ...command], options): Promise<ExitStatus | Continuation> {
    const isExec = subcommand === "exec";
    if (subcommand !== undefined && !isExec)
      throw new UsageWrong(`There is no ${subcommand} of the emulator.`);
    const environment = commandEnvironment();
    if (environment.NODE_ENV === "production") {
      throw new UsageWrong("The emulator signs in as anyone, so it does not run with NODE_ENV=production.");
    }
    const runOptions: RunOptions = {
      port: options.port === undefined ? (isExec ? 0 : defaultPort) : parsePort(options.port),
      siteOrigins: (options.origin ?? []).map(parseOrigin),
      seedFile: options.seed ?? null,
      stateFile: options.state ?? null,
      oneTimeCode: options.code,
    };
    const baseUrl = options.url === undefined ? null : parseBaseUrl(options.url);
    const given = { environment, runOptions, baseUrl, isJson: options.json };
    if (!isExec) return serve(given);
    const status = await execute(command, given);
    return async () => process.exit(status);
  },
});

interface Given {
  readonly environment: Environment;
  readonly runOptions: RunOptions;
  /** `null`: not named. */
  readonly baseUrl: string | null;
  readonly isJson: boolean;
}

async function serve({ environment, runOptions, baseUrl, isJson }: Given): Promise<ExitStatus> {
  const config = loadConfig(environment, developmentSharedSecret);
  const sidecar = await openSidecar({ environment, config, baseUrl, cwd: process.cwd(), mayAttach: true });
  try {
    const run = await startRun(runOptions, config, sidecar);
    const { addresses } = run;
    print(isJson ? `${JSON.stringify(addresses)}\n` : addressesText(addresses, sidecar));
    await untilStopped(stopOnSignal("Stopping."));
    await run.close();
    return 0;
  } finally {
    await sidecar.stop();
  }
}

async function execute(command: readonly string[], given: Given): Promise<number> {
  if (command.length === 0) throw new UsageWrong("Say what to run: bun run emulator exec -- <command>");
  const { environment, baseUrl } = given;
  if (
    environment.DATABASE_URL !== undefined ||
    environment.DATABASE_URL_FILE !== undefined ||
    baseUrl !== null
  ) {
    return executeIn(command, { ...given, cwd: process.cwd() });
  }
  using playground = await createPlayground(environment);
  return await executeIn(command, { ...given, environment: playground.environment, cwd: playground.folder });
}

async function executeIn(
  command: readonly string[],
  { environment, runOptions, baseUrl, isJson, cwd }: Given & { readonly cwd: string },
): Promise<number> {
  const exec = createExec();
  const config: Config = loadConfig(environment, developmentSharedSecret);
  const sidecar = await openSidecar({ environment, config, baseUrl, cwd, mayAttach: false });
  try {
    const run = await startRun(runOptions, config, sidecar);
    const { addresses } = run;
    if (isJson) tell(`${JSON.stringify(addresses)}\n`);
    const status = await exec.run(command, { ...environment, ...addressVariables(addresses) });
    await run.close();
    return status;
  } finally {
    await sidecar.stop();
  }
}
