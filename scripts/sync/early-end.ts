import { DatabaseUnavailable, type SidecarError } from "../../src/errors.ts";
import { durationText } from "../quantities.ts";
import { failureText } from "./patience.ts";

export interface EarlyEnd {
  readonly error: SidecarError;
  /** How long the command has waited for an answer; `null` if it has not. */
  readonly waitedMs: number | null;
  /** The command that continues the work or, if `isResumable` is false, begins it again. */
  readonly next: string;
  readonly isResumable: boolean;
}

/** Returns the command as it was typed, except that `--resume` is there only if it is to resume. */
export function commandAgain(typed: readonly string[], isToResume: boolean): string {
  const others = typed.filter((argument) => argument !== "--resume");
  return ["bun run sync", ...others, ...(isToResume ? ["--resume"] : [])].join(" ");
}

/** Returns the message if a side does not answer, which ends the work. What was done until then is consistent. */
export function earlyEndText({ error, waitedMs, next, isResumable }: EarlyEnd): string {
  const after = waitedMs === null ? "" : ` after waiting for ${durationText(waitedMs)}`;
  const fix = error instanceof DatabaseUnavailable ? `: ${error.fix}` : "";
  const reason = `${failureText(error)}${fix}`.replace(/\.$/, "");
  return [
    `Stopped early${after}: ${reason}.`,
    "To find out why, run: bun run doctor",
    `Then ${isResumable ? "continue" : "begin again"} with: ${next}`,
    "",
  ].join("\n");
}
