import { DatabaseUnavailable, HotCopyUnavailable, type SidecarError } from "../../src/errors.ts";

export type Word = "sync" | "verify" | "warm" | "push";

export interface EndedCommand {
  readonly word: Word;
  /** Whether a warm got far enough for `--resume` to continue. */
  readonly canResume: boolean;
  readonly keep: boolean;
}

/** Returns the message if a side does not answer, which ends the work. What was done until then is consistent. */
export function earlyEndText(error: SidecarError, command: EndedCommand): string {
  return `Stopped early: ${reasonOf(error)}.\nTo find out why, run: bun run doctor\n${nextStep(command)}\n`;
}

function nextStep({ word, canResume, keep }: EndedCommand): string {
  if (word === "sync") return "Then begin again with: bun run sync";
  if (word !== "warm") return `Then begin again with: bun run sync ${word}`;
  const again = canResume
    ? "continue with: bun run sync warm --resume"
    : "begin again with: bun run sync warm";
  return `Then ${again}${keep ? " --keep" : ""}`;
}

/** The meaning of some errors of the store is only in their class. */
function reasonOf(error: SidecarError): string {
  const unnamed = error instanceof HotCopyUnavailable ? "Redis does not answer" : error.code;
  const fix = error instanceof DatabaseUnavailable ? `: ${error.fix}` : "";
  return `${error.message || unnamed}${fix}`.replace(/\.$/, "");
}
