import { wire } from "../emulator-api.js";

/** @import { WireCall } from "../../../api/wire-api.ts" */

/**
 * Follows the calls: those so far, then each one when it is sent and when it is over. After a lost connection it begins
 * again, by itself.
 *
 * @param {{
 *   onCalls: (calls: readonly WireCall[]) => void,
 *   onCall: (call: WireCall) => void,
 *   onState: (state: "live" | "offline") => void,
 * }} listener `onCalls` gets all calls so far
 */
export function followCalls({ onCalls, onCall, onState }) {
  /**
   * What happened while the calls so far were read, and may be missing from them. `null`: they have been read.
   *
   * @type {WireCall[] | null}
   */
  let meanwhile = [];
  const events = new EventSource("/wire/events");
  events.onopen = async () => {
    meanwhile = [];
    const soFar = await wire.calls().catch(() => null);
    // The connection is lost again, and the browser makes a new one.
    if (soFar === null) return;
    onCalls(soFar.calls);
    for (const call of meanwhile) onCall(call);
    meanwhile = null;
    onState("live");
  };
  events.onerror = () => onState("offline");
  events.addEventListener("call", ({ data }) => {
    const call = JSON.parse(data);
    if (meanwhile === null) onCall(call);
    else meanwhile.push(call);
  });
  events.addEventListener("cleared", () => {
    meanwhile &&= [];
    onCalls([]);
  });
}
