import { SidecarError } from "../../src/errors.ts";

/** How a call ended: the stable code of its failure, or `done`. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (error instanceof SidecarError) return error.code;
    throw error;
  }
}
