import { existsSync } from "node:fs";
import type { Config } from "../../src/config/load-config.ts";
import { codeOf } from "../../src/error-code.ts";
import { createPrivateFile, replacePrivateFile } from "../../src/files/private-file.ts";
import { signingSecret } from "../client/signing-secret.ts";
import { UsageWrong } from "../command.ts";
import { tell } from "../progress.ts";
import { reasonOf } from "../reason.ts";
import { addressesOf } from "./addresses.ts";
import { type Addresses, EmulatorState } from "./api/control-api.ts";
import { RequestFailed } from "./api/failure.ts";
import { CannotStart } from "./cannot-start.ts";
import { plantSeed, Seed } from "./control/seed.ts";
import { createEmulator, type Emulator } from "./emulator.ts";
import { createEmulatorApp } from "./http/app.ts";
import { listenOnLoopback } from "./http/listener.ts";
import { readInputFile } from "./input-file.ts";
import type { Sidecar } from "./sidecar/sidecar.ts";
import { ensureSecretFits } from "./wire/secret-check.ts";

export interface RunOptions {
  readonly port: number;
  readonly siteOrigins: readonly string[];
  readonly seedFile: string | null;
  readonly stateFile: string | null;
  readonly oneTimeCode: string;
}

export interface Run {
  readonly addresses: Addresses;
  /** Writes the state file, and stops listening. */
  close(): Promise<void>;
}

/** The seed of the virtual devices in every run with `--seed`. */
const fixedRunSeed = "ownid-emulator";

/**
 * Starts the emulator for this sidecar, with the users of the state file or the seed. If it fails, nothing is left
 * listening.
 *
 * @throws {UsageWrong} | {ConfigurationInvalid} | {CannotStart}
 */
export async function startRun(options: RunOptions, config: Config, sidecar: Sidecar): Promise<Run> {
  const { seedFile, stateFile, oneTimeCode, siteOrigins } = options;
  const sharedSecret = signingSecret(config);
  const listener = await listenOnLoopback(options.port);
  const { port } = listener;
  const addresses = addressesOf(port, sidecar, oneTimeCode);
  const runSeed = seedFile === null ? crypto.randomUUID() : fixedRunSeed;
  const origin = addresses.url;
  const emulator = createEmulator({ config, sidecar, sharedSecret, oneTimeCode, runSeed, origin });
  try {
    if (!sidecar.isOwn) await ensureSecretFits(emulator.wire);
    await begin(emulator, { seedFile, stateFile });
    // A state file that cannot be written is reported now, and not when the run has ended.
    if (stateFile !== null) await writeState(stateFile, emulator);
  } catch (error) {
    await Promise.all([listener.stop(), emulator.close()]);
    throw error instanceof RequestFailed ? new CannotStart(error.message) : error;
  }
  emulator.wire.log.clear();
  const app = createEmulatorApp(emulator, {
    rules: { port, siteOrigins },
    origin,
    facts: () => ({ ...addresses, users: emulator.users() }),
    onInternal: (error) => tell(`The emulator failed: ${reasonOf(error)}\n`),
  });
  listener.serve((request) => app.fetch(request));
  return {
    addresses,
    async close() {
      try {
        if (stateFile !== null) await writeState(stateFile, emulator);
      } finally {
        await Promise.all([listener.stop(), emulator.close()]);
      }
    },
  };
}

async function begin(
  { state, steps, platform, site: { rows, block } }: Emulator,
  { seedFile, stateFile }: Pick<RunOptions, "seedFile" | "stateFile">,
): Promise<void> {
  if (stateFile !== null && existsSync(stateFile)) {
    return state.import(readInputFile("--state", stateFile, EmulatorState));
  }
  if (seedFile === null) return;
  await plantSeed(readInputFile("--seed", seedFile, Seed), { steps, platform, rows, block });
}

/**
 * Writes the file with mode 0600, because it contains the seeds of private keys.
 *
 * @throws {UsageWrong} the file cannot be written
 */
async function writeState(path: string, { state }: Emulator): Promise<void> {
  const content = `${JSON.stringify(await state.export(), null, 2)}\n`;
  try {
    if (!createPrivateFile(path, content)) replacePrivateFile(path, content);
  } catch (error) {
    throw new UsageWrong(`--state: ${path} cannot be written (${codeOf(error) || reasonOf(error)}).`);
  }
}
