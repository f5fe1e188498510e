import type { Config } from "../../../src/config/load-config.ts";
import { baseUrlText } from "../../client/base-url.ts";
import { fetchDirect } from "../../client/fetch-direct.ts";
import { listenerUrl } from "../../listener-url.ts";
import type { Sidecar } from "./sidecar.ts";

const probeMs = 1000;

type SidecarConfig = Pick<Config, "publicListener" | "opsListener" | "adminToken">;

/** Returns the sidecar that already runs with this configuration, or `null`. */
export async function findRunningSidecar(config: SidecarConfig): Promise<Sidecar | null> {
  const opsUrl = await liveOpsUrl(config);
  return opsUrl === null ? null : attached(listenerUrl(config.publicListener), opsUrl, config);
}

/**
 * Returns the endpoints at the address that `--url` names, whatever server they belong to. Their ops listener is known
 * only if the address is that of this configuration.
 */
export async function attachTo(baseUrl: string, config: SidecarConfig): Promise<Sidecar> {
  const isConfigured = baseUrl === baseUrlText(new URL(listenerUrl(config.publicListener)));
  return attached(baseUrl, isConfigured ? await liveOpsUrl(config) : null, config);
}

function attached(baseUrl: string, opsUrl: string | null, { adminToken }: SidecarConfig): Sidecar {
  return { baseUrl, opsUrl, adminToken: adminToken.reveal(), isOwn: false, stop: async () => {} };
}

async function liveOpsUrl({ opsListener }: SidecarConfig): Promise<string | null> {
  const opsUrl = listenerUrl({ ...opsListener, basePath: "" });
  return (await answersOk(`${opsUrl}/livez`)) ? opsUrl : null;
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const { ok } = await fetchDirect(url, { signal: AbortSignal.timeout(probeMs) });
    return ok;
  } catch {
    return false;
  }
}
