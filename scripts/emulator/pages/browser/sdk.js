/** @import { CommandResult } from "../../sdk/browser/widget-config.d.ts" */

/**
 * Calls the SDK as any page does. The calls wait in a queue until its script has loaded.
 *
 * @param {string} command
 * @param {...unknown} args
 * @returns {Promise<CommandResult>}
 */
export function ownid(command, ...args) {
  const sdk = Reflect.get(window, "ownid");
  if (sdk) return sdk(command, ...args);
  /** @type {unknown[][]} */
  const q = [];
  const queue = Object.assign(
    /** @param {...unknown} call */
    async (...call) => {
      q.push(call);
      return { error: null, data: null };
    },
    { q },
  );
  Reflect.set(window, "ownid", queue);
  return queue(command, ...args);
}
