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
 * }} listener `onCalls` replaces all that came before
 */
export function followCalls({ onCalls, onCall, onState }) {
  const events = new EventSource("/wire/events");
  events.onopen = async () => {
    onCalls((await wire.calls()).calls);
    onState("live");
  };
  events.onerror = () => onState("offline");
  events.addEventListener("call", ({ data }) => onCall(JSON.parse(data)));
  events.addEventListener("cleared", () => onCalls([]));
}
