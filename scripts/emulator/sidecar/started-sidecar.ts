import { join } from "node:path";
import type { Environment } from "../../../src/config/setting-reader.ts";
import { ConfigurationInvalid } from "../../../src/errors.ts";
import { tell } from "../../progress.ts";
import { CannotStart } from "../cannot-start.ts";
import type { WorkingDirectory } from "./sidecar.ts";
import { followSidecarLog, type SidecarUrls } from "./sidecar-log.ts";

const entry = join(import.meta.dir, "sidecar-child.ts");
const readyMs = 60_000;
const statusConfigurationInvalid = 78;

export interface StartedSidecar extends SidecarUrls {
  stop(): Promise<void>;
}

/**
 * Starts the sidecar of this project with these settings, and resolves when both listeners are ready. It runs in its own
 * process group, so that Ctrl-C reaches the emulator, which stops it last.
 *
 * @throws {ConfigurationInvalid} the sidecar refuses a setting
 * @throws {CannotStart} it ends or takes too long; the message contains its standard error
 */
export async function startSidecar(
  environment: Environment,
  { path, isTemporary }: WorkingDirectory,
): Promise<StartedSidecar> {
  const child = Bun.spawn([process.execPath, entry, ...(isTemporary ? ["temporary"] : [])], {
    cwd: path,
    env: { ...environment, LOG_LEVEL: "info", LOG_FORMAT: "json", DRAIN_SECONDS: "0" },
    detached: true,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const ready = Promise.withResolvers<SidecarUrls>();
  const deadline = setTimeout(() => ready.reject(new CannotStart(lateMessage)), readyMs);
  const complaints = child.stderr.text();
  followSidecarLog(child.stdout, ready.resolve).then(async () => {
    await child.exited;
    ready.reject(failureOf(child.exitCode, (await complaints).trim()));
  });
  const urls = await ready.promise
    .catch((error: unknown) => {
      child.kill("SIGKILL");
      throw error;
    })
    .finally(() => clearTimeout(deadline));

  let isStopping = false;
  child.exited.then(() => {
    if (!isStopping) tell("The sidecar has ended. Restart the emulator.\n");
  });
  return {
    ...urls,
    async stop() {
      isStopping = true;
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

const lateMessage = `The sidecar was not ready within ${readyMs / 1000} s.`;

function failureOf(exitCode: number | null, said: string): Error {
  if (exitCode === statusConfigurationInvalid) return new ConfigurationInvalid([said]);
  return new CannotStart(`The sidecar ended before it was ready:\n${said}`);
}
