import { element } from "../../../sdk/browser/element.js";
import { callDetail } from "./call-detail.js";

/** @import { WireCall } from "../../../api/wire-api.ts" */

/**
 * One call in the list: a line, and the details behind it, which are made when they are first looked at.
 *
 * @param {WireCall} first
 */
export function callItem(first) {
  let call = first;
  const summary = element("summary");
  const place = element("div", { className: "detail" });
  const details = element("details", {}, summary, place);
  details.ontoggle = () => {
    if (details.open && place.childElementCount === 0) place.append(callDetail(call));
  };
  const root = element("li", {}, details);

  const render = () => {
    summary.replaceChildren(...summaryOf(call));
    if (details.open) place.replaceChildren(callDetail(call));
  };
  render();
  return {
    root,
    /** @param {WireCall} newer */
    update(newer) {
      // A call that is over does not change any more; a new run of the emulator gives its number to another one.
      if (newer.sentAt === call.sentAt && call.durationMs !== null) return;
      call = newer;
      render();
    },
  };
}

/** @param {WireCall} call @returns {Node[]} */
function summaryOf({ id, answer, failure, endpoint, reason, durationMs, sentAt, fault, resends }) {
  const status = answer ? String(answer.status) : failure === null ? "…" : "none";
  const tags = fault === null ? [] : [element("span", { className: "tag" }, fault)];
  const time = new Date(sentAt).toLocaleTimeString();
  return [
    element("span", { className: `status ${kindOf(answer?.status, failure, resends !== null)}` }, status),
    element(
      "span",
      { className: "what" },
      element("code", {}, endpoint),
      element("span", { className: "reason" }, reason, ...tags),
    ),
    element(
      "span",
      { className: "when" },
      durationMs === null ? "" : `${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`,
      element("span", {}, `${time} · ${id}`),
    ),
  ];
}

/**
 * How a status is colored: a refusal is no fault if nothing else could be expected.
 *
 * @param {number | undefined} status
 * @param {string | null} failure
 * @param {boolean} isResent
 */
function kindOf(status, failure, isResent) {
  if (failure !== null) return "bad";
  if (status === undefined) return "open";
  if (status < 300) return "good";
  return isResent || status === 404 || status === 423 ? "plain" : "bad";
}
