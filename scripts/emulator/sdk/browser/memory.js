/** What the SDK remembers in this browser, for a page to be recognized on and for a device to know itself. */

const devicesKey = "ownid-emulator:devices";
const lastLoginIdKey = "ownid-emulator:last-login-id";
const signedInKey = "ownid-emulator:signed-in";

/** @param {string} loginId @returns {readonly string[]} the ids of the passkeys that were used here */
export function passkeysHere(loginId) {
  return devices()[loginId] ?? [];
}

/** @param {string} loginId @param {string} id */
export function rememberPasskey(loginId, id) {
  const ids = [...new Set([...passkeysHere(loginId), id])];
  localStorage.setItem(devicesKey, JSON.stringify({ ...devices(), [loginId]: ids }));
}

/** @returns {string | null} who signed in last */
export function lastLoginId() {
  return localStorage.getItem(lastLoginIdKey);
}

/**
 * Keeps who signed in in this tab, and with which token, for `enrollDevice`.
 *
 * @param {string} loginId
 * @param {unknown} session
 */
export function rememberSignIn(loginId, session) {
  localStorage.setItem(lastLoginIdKey, loginId);
  const token = typeof session === "object" && session !== null && "token" in session ? session.token : null;
  if (typeof token === "string")
    sessionStorage.setItem(signedInKey, JSON.stringify({ loginId, authToken: token }));
}

/** @returns {{ loginId: string, authToken: string } | null} */
export function signedIn() {
  return JSON.parse(sessionStorage.getItem(signedInKey) ?? "null");
}

/** @returns {Readonly<Record<string, readonly string[]>>} */
function devices() {
  return JSON.parse(localStorage.getItem(devicesKey) ?? "{}");
}
