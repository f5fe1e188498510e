import { element } from "../../../sdk/browser/element.js";
import { passkeysHere } from "../../../sdk/browser/memory.js";
import { ApiFailure, site } from "../emulator-api.js";
import { fill, find, fromTemplate } from "../page-parts.js";
import { ownid } from "../sdk.js";
import { isMarked, unmark } from "../sign-in-mark.js";
import { timeText } from "../time-text.js";
import { claimRows } from "./claims.js";

/** @import { DeviceView } from "../../../api/platform-api.ts" */
/** @import { SiteSession } from "../../../api/site-api.ts" */

const nobodySignedIn = "Nobody is signed in, or the session is over.";

/** The protected page: it shows what the backend has verified, and the devices that may sign in. */
export const account = {
  title: "Your account",

  /** @param {HTMLElement} place */
  async show(place) {
    if (!isMarked()) return refuse(place, nobodySignedIn);
    place.replaceChildren(fromTemplate("loading"));
    try {
      const [session, { devices }] = await Promise.all([site.session(), site.devices()]);
      place.replaceChildren(fromTemplate("account"));
      showSession(place, session);
      showDevices(place, session, devices);
      find(place, "[data-action=add]").onclick = () => addDevice(place, session);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      const isOver = error.code === "authorization_invalid";
      if (isOver) unmark();
      refuse(place, isOver ? nobodySignedIn : error.message);
    }
  },

  leave() {},
};

/** @param {HTMLElement} place @param {string} reason */
function refuse(place, reason) {
  place.replaceChildren(fromTemplate("refused"));
  fill(place, "reason", reason);
}

/** @param {HTMLElement} place @param {SiteSession} session */
function showSession(place, { loginId, signedInBy, token }) {
  fill(place, "who", `Signed in as ${loginId}.`);
  fill(place, "verified", token === null ? "No token" : "Verified");
  find(place, ".badge").classList.toggle("good", token !== null);
  fill(
    place,
    "session-note",
    signedInBy === "registration"
      ? "The registration signed you in. Sign in with OwnID to see a session token here."
      : "The site's backend has verified the token that getSessionByLoginId issued.",
  );
  if (token !== null) find(place, ".claims").replaceChildren(...claimRows(token));
}

/** @param {HTMLElement} place @param {SiteSession} session @param {readonly DeviceView[]} devices */
function showDevices(place, session, devices) {
  const here = passkeysHere(session.loginId);
  const rows = devices.map((device) => {
    const isHere = here.includes(device.id);
    const label = `Remove ${device.name}${isHere ? " (this browser)" : ""}`;
    const remove = element("button", { type: "button", ariaLabel: label }, "Remove");
    remove.onclick = () => removeDevice(place, session, device);
    const name = element("strong", {}, device.name);
    const added = element("span", {}, `Added ${timeText(new Date(device.addedAt))}`);
    const tag = isHere ? [element("em", {}, "This browser")] : [];
    return element("li", {}, element("div", {}, name, ...tag, added), remove);
  });
  find(place, ".devices").replaceChildren(...rows);
  find(place, "[data-fill=no-devices]").hidden = rows.length > 0;
}

/** @param {HTMLElement} place @param {SiteSession} session */
async function addDevice(place, session) {
  const { loginId, authToken } = session;
  const { error, message = "" } = await ownid("enrollCredential", { loginId, authToken });
  await tell(place, error ? message : "This device can sign in now.", Boolean(error), async () => {
    showDevices(place, session, (await site.devices()).devices);
  });
}

/** @param {HTMLElement} place @param {SiteSession} session @param {DeviceView} device */
async function removeDevice(place, session, device) {
  await tell(place, `${device.name} can no longer sign in.`, false, async () => {
    showDevices(place, session, (await site.removeDevice(device.id)).devices);
    // The button that was pressed has gone with its device.
    find(place, "[data-action=add]").focus();
  });
}

/**
 * Says how an action ended, after the list has been brought up to date.
 *
 * @param {HTMLElement} place
 * @param {string} text
 * @param {boolean} isProblem
 * @param {() => Promise<void>} refresh
 */
async function tell(place, text, isProblem, refresh) {
  const failure = await refresh().then(
    () => (isProblem ? text : ""),
    (error) => String(error instanceof Error ? error.message : error),
  );
  find(place, ".problem").textContent = failure;
  find(place, ".news").textContent = failure === "" ? text : "";
}
