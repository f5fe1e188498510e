import type { Environment } from "../../src/config/setting-reader.ts";
import type { Addresses } from "./api/control-api.ts";
import type { Sidecar } from "./sidecar/sidecar.ts";

export function addressesOf(port: number, { baseUrl, opsUrl }: Sidecar, oneTimeCode: string): Addresses {
  const url = `http://localhost:${port}`;
  return {
    url,
    sdkUrl: `${url}/sdk/emulator`,
    wireUrl: `${url}/wire-view`,
    controlUrl: `${url}/control`,
    oneTimeCode,
    baseUrl,
    opsUrl,
  };
}

/** Describes the addresses for a person at a terminal. */
export function addressesText(addresses: Addresses, { isOwn }: Sidecar): string {
  const { url, sdkUrl, wireUrl, controlUrl, oneTimeCode, baseUrl } = addresses;
  return `The emulator is ready.

  Demo site      ${url}
  Calls          ${wireUrl}
  SDK            ${sdkUrl}
  Control API    ${controlUrl}
  One-time code  ${oneTimeCode}
  Sidecar        ${baseUrl} (${isOwn ? "started here" : "running already"})

Ctrl-C ends it.
`;
}

/** Returns the variables that `exec` adds to the environment of its command. */
export function variablesOf(addresses: Addresses, { adminToken }: Sidecar): Environment {
  const { url, sdkUrl, controlUrl, oneTimeCode, baseUrl, opsUrl } = addresses;
  return {
    EMULATOR_URL: url,
    EMULATOR_SDK_URL: sdkUrl,
    EMULATOR_CONTROL_URL: controlUrl,
    EMULATOR_ONE_TIME_CODE: oneTimeCode,
    SIDECAR_BASE_URL: baseUrl,
    ...(opsUrl === null ? {} : { SIDECAR_OPS_URL: opsUrl }),
    ...(adminToken === null ? {} : { ADMIN_TOKEN: adminToken }),
  };
}
