/** @import { ControlFacts } from "../../api/control-api.ts" */
/** @import { Failure } from "../../api/failure.ts" */
/** @import { RegisterRequest, SiteDevices, SiteSession } from "../../api/site-api.ts" */
/** @import { ResendAnswer, ResendRequest, WireCall } from "../../api/wire-api.ts" */

/** The emulator said no, or nothing at all. `message` says why. */
export class ApiFailure extends Error {
  /** @param {Failure | null} failure `null` where no answer came */
  constructor(failure) {
    super(failure?.message ?? "The emulator does not answer. Is it still running?");
    this.code = failure?.errorCode ?? null;
  }
}

/**
 * @template Answer
 * @param {"GET" | "POST" | "DELETE"} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<Answer>}
 * @throws {ApiFailure}
 */
async function send(method, path, body) {
  const json = body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, { method, ...json }).catch(() => {
    throw new ApiFailure(null);
  });
  const answer = response.status === 204 ? undefined : await response.json();
  if (!response.ok) throw new ApiFailure(answer);
  return answer;
}

/** @returns {Promise<ControlFacts>} */
export const emulatorFacts = () => send("GET", "/control");

/** The demo site's backend: what any site has. */
export const site = {
  /** @param {RegisterRequest} person @returns {Promise<SiteSession>} */
  register: (person) => send("POST", "/site/register", person),
  /** @param {unknown} session what `onLogin` was given @returns {Promise<SiteSession>} */
  logIn: (session) => send("POST", "/site/login", { session }),
  /** @returns {Promise<void>} */
  logOut: () => send("POST", "/site/logout", {}),
  /** @returns {Promise<SiteSession>} */
  session: () => send("GET", "/site/session"),
  /** @returns {Promise<SiteDevices>} */
  devices: () => send("GET", "/site/devices"),
  /** @param {string} deviceId @returns {Promise<SiteDevices>} */
  removeDevice: (deviceId) => send("POST", "/site/devices/remove", { deviceId }),
};

/** What OwnID's platform has sent to the site. */
export const wire = {
  /** @returns {Promise<{ calls: WireCall[] }>} */
  calls: () => send("GET", "/wire"),
  /** @returns {Promise<void>} */
  forget: () => send("DELETE", "/wire"),
  /** @param {number} id @param {ResendRequest["as"]} as @returns {Promise<ResendAnswer>} */
  resend: (id, as) => send("POST", `/wire/${id}/resend`, { as }),
};
