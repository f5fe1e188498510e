import { site } from "./emulator-api.js";
import { goTo } from "./navigation.js";
import { mark } from "./sign-in-mark.js";

/**
 * What the site does with the session that the SDK hands to `onLogin`: its backend verifies the token and sets a cookie.
 *
 * @param {unknown} session
 */
export async function enter(session) {
  await site.logIn(session);
  mark();
  goTo("/account");
}
