import { ask } from "./dialog.js";
import { askPlatform } from "./platform.js";

/** @import { SendCodeAnswer, SendCodeRequest, VerifyCodeAnswer } from "../../api/platform-api.ts" */

/**
 * Sends a one-time code to the person, and asks for it until it is right.
 *
 * @param {string} loginId
 * @param {SendCodeRequest["purpose"]} purpose
 * @returns {Promise<VerifyCodeAnswer>}
 * @throws {Refusal | Cancelled}
 */
export async function confirmByCode(loginId, purpose) {
  /** @type {SendCodeAnswer} */
  const { flow, sentTo } = await askPlatform("codes/send", { loginId, purpose });
  return ask({
    title: "Enter your code",
    text: `A one-time code has been sent to ${sentTo}.`,
    field: { label: "Code", inputMode: "numeric", autocomplete: "one-time-code" },
    actions: [{ label: "Continue", value: "continue" }],
    // A code that was right is used up, whatever failed afterwards.
    mayRetry: ({ code }) => code === "code_invalid",
    submit: (_action, code) => askPlatform("codes/verify", { flow, code }),
  });
}
