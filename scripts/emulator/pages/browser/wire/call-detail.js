import { element } from "../../../sdk/browser/element.js";
import { resendPanel } from "./resend-panel.js";

/** @import { WireCall } from "../../../api/wire-api.ts" */

/**
 * Everything about a call: what was sent, how it was signed, what came back, and ways to send it again.
 *
 * @param {WireCall} call
 * @returns {DocumentFragment}
 */
export function callDetail(call) {
  const fragment = document.createDocumentFragment();
  fragment.append(
    requestPart(call),
    signaturePart(call),
    answerPart(call),
    curlPart(call),
    resendPanel(call),
  );
  return fragment;
}

/** @param {WireCall} call */
function requestPart({ request }) {
  return part(
    "Request",
    element("p", { className: "line" }, element("code", {}, `POST ${request.url}`)),
    headerList(request.headers),
    text(request.body),
  );
}

/** @param {WireCall} call */
function signaturePart({ signature }) {
  const { signed, timestamp, value } = signature;
  const end = signed.length - timestamp.length;
  return part(
    "Signature",
    element(
      "p",
      {},
      "The body, a dot and the timestamp are signed with the shared secret: ",
      element("code", {}, "base64(HMAC-SHA256(secret, signed))"),
      ".",
    ),
    element("pre", { tabIndex: 0 }, signed.slice(0, end), element("mark", {}, signed.slice(end))),
    headerList({ "ownid-signature": value }),
  );
}

/** @param {WireCall} call */
function answerPart({ answer, failure }) {
  if (answer === null) {
    return part("Answer", element("p", {}, failure ?? "The call is still open."));
  }
  return part(
    "Answer",
    element("p", { className: "line" }, element("code", {}, `${answer.status} ${answer.statusText}`)),
    headerList(answer.headers),
    answer.body === "" ? element("p", {}, "The body is empty.") : text(answer.body),
  );
}

/** @param {WireCall} call */
function curlPart({ curl }) {
  const copy = element("button", { type: "button", className: "tool" }, "Copy");
  copy.onclick = async () => {
    await navigator.clipboard.writeText(curl);
    copy.textContent = "Copied";
  };
  return part("As a command", text(curl), copy);
}

/** @param {string} title @param {...Node} content */
function part(title, ...content) {
  return element("section", {}, element("h3", {}, title), ...content);
}

/** Can be scrolled with the keyboard. @param {string} content */
function text(content) {
  return element("pre", { tabIndex: 0 }, content);
}

/** @param {Readonly<Record<string, string>>} headers */
function headerList(headers) {
  const rows = Object.entries(headers).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  );
  return element("dl", { className: "headers" }, ...rows);
}
