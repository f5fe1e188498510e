import { SidecarError } from "../../src/errors.ts";

/** Returns the code of the error with which a call failed, or `done`. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (error instanceof SidecarError) return error.code;
    throw error;
  }
}

/**
 * Returns the error with which a call rejects. `expect(call).rejects` would block the event loop until the call is over,
 * and would notice that only at the next event of the loop: if `setImmediate` ends the call, up to a minute later
 * (oven-sh/bun#39268). If the test continues in a callback of `setImmediate`, no other such callback runs meanwhile, and
 * a call that needs one never ends.
 */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call did not fail");
}
