import { DatabaseUnavailable, HotCopyUnavailable, type SidecarError } from "../../src/errors.ts";

export type Word = "sync" | "verify" | "warm" | "push";

const next: Readonly<Record<Word, string>> = {
  sync: "Then begin again with: bun run sync",
  verify: "Then begin again with: bun run sync verify",
  warm: "Then continue with: bun run sync warm --resume",
  push: "Then begin again with: bun run sync push",
};

/** What is told when a side gives no answer, which ends the work. What was done until then is consistent. */
export function earlyEndText(error: SidecarError, word: Word): string {
  return `Stopped early: ${reasonOf(error)}.\nTo find out why, run: bun run doctor\n${next[word]}\n`;
}

/** Some errors of the store carry their meaning in their class alone. */
function reasonOf(error: SidecarError): string {
  const unnamed = error instanceof HotCopyUnavailable ? "Redis gives no answer" : error.code;
  const remedy = error instanceof DatabaseUnavailable ? `: ${error.remedy}` : "";
  return `${error.message || unnamed}${remedy}`.replace(/\.$/, "");
}
