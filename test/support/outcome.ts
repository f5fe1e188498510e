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
 * The error that a call rejects with. `expect(call).rejects` blocks the event loop until the call is over: if the test goes
 * on in a callback of `setImmediate`, no other such callback runs meanwhile, and a call that needs one never ends.
 */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call did not fail");
}
