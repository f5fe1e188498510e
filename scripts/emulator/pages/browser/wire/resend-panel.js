import { element } from "../../../sdk/browser/element.js";
import { wire } from "../emulator-api.js";

/** @import { ResendRequest, WireCall } from "../../../api/wire-api.ts" */

/** @type {readonly (readonly [as: ResendRequest["as"], label: string, explanation: string])[]} */
const ways = [
  ["altered", "Altered", "one character of the body differs"],
  ["expired", "Expired", "signed two minutes ago"],
  ["replayed", "Replayed", "the very same request again"],
  ["elsewhere", "To another endpoint", "the same signature on another path"],
];

/**
 * Buttons that send a call again as an attacker would, and what the site did with it.
 *
 * @param {WireCall} call
 */
export function resendPanel(call) {
  const verdict = element("p", { className: "verdict", role: "status" });
  const buttons = ways.map(([as, label, explanation]) => {
    const button = element("button", { type: "button", title: explanation }, label);
    button.onclick = () => resend(call.id, as, verdict);
    return button;
  });
  return element(
    "section",
    { className: "resend" },
    element("h3", {}, "Send it again"),
    element(
      "p",
      {},
      "As somebody would who has captured it. Your site must refuse it, or repeat its answer and do nothing.",
    ),
    element("div", { className: "ways" }, ...buttons),
    verdict,
  );
}

/** @param {number} id @param {ResendRequest["as"]} as @param {HTMLElement} verdict */
async function resend(id, as, verdict) {
  verdict.className = "verdict";
  verdict.textContent = "Sending…";
  try {
    const answer = await wire.resend(id, as);
    verdict.classList.add(answer.holds ? "good" : "bad");
    verdict.textContent = answer.verdict;
  } catch (error) {
    verdict.classList.add("bad");
    verdict.textContent = error instanceof Error ? error.message : String(error);
  }
}
