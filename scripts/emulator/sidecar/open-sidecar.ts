import type { Config } from "../../../src/config/load-config.ts";
import type { Environment } from "../../../src/config/setting-reader.ts";
import { attachTo, findRunningSidecar } from "./running-sidecar.ts";
import type { Sidecar, WorkingDirectory } from "./sidecar.ts";
import { startSidecar } from "./started-sidecar.ts";

export interface SidecarOptions {
  readonly environment: Environment;
  readonly config: Config;
  /** The address that `--url` names, or `null`. */
  readonly baseUrl: string | null;
  readonly directory: WorkingDirectory;
  /** Whether to use a sidecar that is already running. If not, a new one starts on free ports. */
  readonly mayAttach: boolean;
}

const freePorts = { HOST: "127.0.0.1", OPS_HOST: "127.0.0.1", PORT: "0", OPS_PORT: "0" };

/** @throws {ConfigurationInvalid} | {CannotStart} */
export async function openSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { environment, config, baseUrl, directory, mayAttach } = options;
  if (baseUrl !== null) return attachTo(baseUrl, config);
  const running = mayAttach ? await findRunningSidecar(config) : null;
  if (running !== null) return running;
  const known = config.adminToken.reveal();
  const adminToken = known ?? crypto.randomUUID();
  const settings = {
    ...environment,
    ...(mayAttach ? {} : freePorts),
    ...(known === null ? { ADMIN_TOKEN: adminToken } : {}),
  };
  return { ...(await startSidecar(settings, directory)), adminToken, isOwn: true };
}
