import { shellWord } from "../../src/fix.ts";
import { demoLoginId } from "../../src/process/development.ts";
import { counted, durationText } from "../quantities.ts";
import type { Report } from "./result.ts";

/** Returns the verdict as a sentence. */
export function verdictOf({ counts, cases, stopped, notRestored }: Report): string {
  const musts = cases.filter(({ level, outcome }) => level === "must" && outcome !== "skip").length;
  if (counts.fail > 0)
    return `Does not conform: ${counts.fail} of ${counted(musts, "must")} ${counts.fail === 1 ? "fails" : "fail"}.`;
  if (stopped !== null) return `No verdict: the run ended after ${counted(cases.length, "case")}.`;
  if (notRestored !== null) return "No verdict: the user's data could not be restored.";
  if (musts === 0) return "Nothing fails; none of the cases is a must.";
  return musts === 1 ? "Conforms: the must holds." : `Conforms: none of ${musts} musts fails.`;
}

/** Returns what the verdict leaves out: why the run ended early, what else was found, and how long it took. */
export function detailsOf({ counts, cases, durationMs, stopped, notRestored }: Report): string[] {
  const also = [
    ...(counts.warn > 0 ? [counted(counts.warn, "warning")] : []),
    ...(counts.note > 0 ? [counted(counts.note, "note")] : []),
    ...(counts.skip > 0 ? [`${counted(counts.skip, "case")} not judged`] : []),
  ];
  const amount = `${counted(cases.length, "case")} in ${durationText(Math.ceil(durationMs / 100) * 100)}`;
  return [
    ...(stopped === null ? [] : [stopped]),
    ...(notRestored === null ? [] : [notRestored]),
    [amount, ...also].join(", "),
  ];
}

/** Returns the command that runs a case again. */
export function replayCommand(id: string, { target, user, ownedHost }: Report): string {
  const named = user === demoLoginId ? "" : ` --user ${shellWord(user)}`;
  const owned = ownedHost === null ? "" : ` --i-own-this-host ${shellWord(ownedHost)}`;
  return `bun run conformance ${shellWord(target)}${owned}${named} --replay ${id}`;
}
