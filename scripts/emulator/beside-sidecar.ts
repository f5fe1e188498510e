import { loadConfig } from "../../src/config/load-config.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { developmentSharedSecret } from "../../src/process/development.ts";
import { showStep } from "../progress.ts";
import type { Run, RunOptions } from "./run.ts";
import { openSidecar } from "./sidecar/open-sidecar.ts";
import type { Sidecar, WorkingDirectory } from "./sidecar/sidecar.ts";

export interface BesideSidecar {
  readonly environment: Environment;
  /** The address that `--url` names, or `null`. */
  readonly baseUrl: string | null;
  readonly directory: WorkingDirectory;
  /** Whether to use a sidecar that is already running. */
  readonly mayAttach: boolean;
  readonly runOptions: RunOptions;
}

/**
 * Starts the emulator beside a sidecar for as long as `use` takes, then ends what it has started.
 *
 * @throws {UsageWrong} | {ConfigurationInvalid} | {CannotStart}
 */
export async function besideSidecar<Result>(
  { environment, baseUrl, directory, mayAttach, runOptions }: BesideSidecar,
  use: (run: Run, sidecar: Sidecar) => Promise<Result>,
): Promise<Result> {
  const config = loadConfig(environment, developmentSharedSecret);
  if (process.stderr.isTTY) showStep("waiting for the sidecar");
  // Imported while the sidecar starts, since it takes as long.
  const [sidecar, { startRun }] = await Promise.all([
    openSidecar({ environment, config, baseUrl, directory, mayAttach }),
    import("./run.ts"),
  ]).finally(() => showStep(""));
  try {
    const run = await startRun(runOptions, config, sidecar);
    try {
      return await use(run, sidecar);
    } finally {
      await run.close();
    }
  } finally {
    await sidecar.stop();
  }
}
