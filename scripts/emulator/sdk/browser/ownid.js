import { commands } from "./commands.js";

/**
 * Replaces the page's `ownid` by the stand-in, and runs what the page has called so far in the order of the calls.
 * Every command is also there as `ownid.<command>(…)`.
 */
export function takeOver() {
  /** @type {{ q?: Iterable<ArrayLike<unknown>> }} */
  const { q = [] } = Reflect.get(window, "ownid") ?? {};
  const ownid = Object.assign(
    /** @param {string} command @param {...unknown} args */
    (command, ...args) => run(command, args),
    Object.fromEntries(
      Object.keys(commands).map((name) => [name, (/** @type {unknown[]} */ ...args) => run(name, args)]),
    ),
  );
  Reflect.set(window, "ownid", ownid);
  for (const [command, ...args] of [...q].map((call) => Array.from(call))) run(String(command), args);
}

/**
 * Never throws and never rejects, so that a page which calls something that is not emulated goes on.
 *
 * @param {string} name
 * @param {unknown[]} args
 * @returns {Promise<unknown>} a `CommandResult`, where the command returns nothing else
 */
async function run(name, args) {
  // What a page passes is checked by nobody: each command takes it as it comes.
  const command = /** @type {((...args: unknown[]) => unknown) | undefined} */ (
    Object.hasOwn(commands, name) ? commands[name] : undefined
  );
  if (command === undefined) {
    console.info(
      `ownid("${name}") is not part of the emulator's stand-in for the OwnID SDK, so it did nothing. ` +
        `It knows: ${Object.keys(commands).join(", ")}.`,
    );
    return { error: null, data: null };
  }
  try {
    return (await command(...args)) ?? { error: null, data: null };
  } catch (error) {
    console.warn(`ownid("${name}") failed:`, error);
    return { error: true, message: error instanceof Error ? error.message : String(error) };
  }
}
