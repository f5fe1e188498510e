import { emulatorFacts, wire } from "../emulator-api.js";
import { find } from "../page-parts.js";
import { followCalls } from "./call-feed.js";
import { callItem } from "./call-item.js";

/** @import { WireCall } from "../../../api/wire-api.ts" */

/** As many as the emulator itself keeps. */
const callsMax = 500;

/** Shows what OwnID's platform sends to the site, beside the demo site. */
export function showWire() {
  /** @type {Map<number, ReturnType<typeof callItem>>} */
  const items = new Map();
  const list = find(document, "#calls");

  const showCount = () => {
    find(document, "#no-calls").hidden = items.size > 0;
    find(document, "#pane-count").textContent = items.size > 0 ? String(items.size) : "";
  };

  /** @param {number} id */
  const drop = (id) => {
    items.get(id)?.root.remove();
    items.delete(id);
  };

  /** @param {WireCall} call */
  const showCall = (call) => {
    const known = items.get(call.id);
    if (known) return known.update(call);
    const item = callItem(call);
    items.set(call.id, item);
    list.prepend(item.root);
    const [oldest = call.id] = items.keys();
    if (items.size > callsMax) drop(oldest);
    showCount();
  };

  followCalls({
    onCall: showCall,
    onCalls(calls) {
      const ids = new Set(calls.map(({ id }) => id));
      for (const id of items.keys()) if (!ids.has(id)) drop(id);
      for (const call of calls) showCall(call);
      showCount();
    },
    onState: showConnection,
  });
  find(document, "#forget-calls").onclick = () => wire.forget();
}

/** @param {"live" | "offline"} state */
async function showConnection(state) {
  const connection = find(document, "#connection");
  const offline = find(document, "#offline");
  connection.dataset.state = state;
  offline.hidden = state === "live";
  if (state === "live") {
    connection.textContent = `Your site: ${(await emulatorFacts()).baseUrl}`;
  } else {
    connection.textContent = "Offline";
    offline.textContent =
      "The emulator does not answer. Start it again with bun run emulator; the page reconnects by itself.";
  }
}
