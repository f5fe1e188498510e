import { element } from "../../../sdk/browser/element.js";
import { timeText } from "../time-text.js";

/** @import { SiteSession } from "../../../api/site-api.ts" */

/** @type {Readonly<Record<string, string>>} */
const meanings = {
  sub: "Who",
  iss: "Issued by",
  aud: "Issued for",
  iat: "Issued at",
  nbf: "Valid from",
  exp: "Valid until",
  jti: "Token id",
  sid: "Session id",
  session_type: "Kind",
  alg: "Algorithm",
  kid: "Key id",
  typ: "Token type",
};

const times = new Set(["iat", "nbf", "exp"]);

/** @param {NonNullable<SiteSession["token"]>} token @returns {HTMLElement[]} rows of a description list */
export function claimRows({ header, claims }) {
  return Object.entries({ ...claims, ...header }).map(([name, value]) => {
    const shown = times.has(name) ? timeText(new Date(Number(value) * 1000)) : String(value);
    const term = element("dt", {}, meanings[name] ?? name, element("code", {}, name));
    return element("div", {}, term, element("dd", {}, shown));
  });
}
