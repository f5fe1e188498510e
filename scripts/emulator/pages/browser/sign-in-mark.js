/**
 * Whether somebody is signed in at the demo site, as far as this browser knows. Only the site's cookie counts; the mark
 * spares a person who has not signed in a request that is refused.
 */

const key = "solstice:signed-in";

export const isMarked = () => localStorage.getItem(key) !== null;
export const mark = () => localStorage.setItem(key, "yes");
export const unmark = () => localStorage.removeItem(key);
