import { type Fix, fixText } from "../../src/fix.ts";

/** `warning`: it works but should be changed. `wrong`: it does not work, or is not safe. */
export type Status = "fine" | "warning" | "wrong";

/** What a check found. It names settings and counts, and never contains a secret, a login id or a user's value. */
export interface Verdict {
  readonly status: Status;
  readonly detail: string;
  /** The command, SQL or setting that fixes it, ready to be typed; `null` if nothing needs fixing. */
  readonly fix: string | null;
  /** The steps of each fix, and who takes them, if the check gave its fix as data. */
  readonly fixes?: readonly Fix[];
}

/**
 * One question about one subject. A new check is a constant in the file of its subject and an entry in the list
 * there. If it throws or does not finish in time, the runner reports that as its verdict.
 */
export interface Check<Subject> {
  /** `subject.question`: a stable name for scripts that read `--json`. */
  readonly id: string;
  readonly title: string;
  /** Whether it reads whole tables, so that a timeout proves nothing about the deployment. */
  readonly isScan?: true;
  examine(subject: Subject): Verdict | Promise<Verdict>;
}

export interface Item extends Verdict {
  readonly id: string;
  readonly title: string;
}

export const fine = (detail: string): Verdict => ({ status: "fine", detail, fix: null });
export const warning = (detail: string, fix: AnyFix): Verdict => ({
  status: "warning",
  detail,
  ...fixFields(fix),
});
export const wrong = (detail: string, fix: AnyFix): Verdict => ({
  status: "wrong",
  detail,
  ...fixFields(fix),
});

/** The text to type, or the fixes as data. */
type AnyFix = string | readonly Fix[];

function fixFields(fix: AnyFix): Pick<Verdict, "fix" | "fixes"> {
  return typeof fix === "string" ? { fix } : { fix: fixText(fix), fixes: fix };
}

const severity: Record<Status, number> = { fine: 0, warning: 1, wrong: 2 };

export function worstStatus(verdicts: readonly Verdict[]): Status {
  return verdicts.reduce<Status>(
    (worst, { status }) => (severity[status] > severity[worst] ? status : worst),
    "fine",
  );
}

/** Returns one verdict for several servers: the details and fixes of those with the worst status, each once. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  const status = worstStatus(verdicts);
  const those = verdicts.filter((verdict) => verdict.status === status);
  const details = [...new Set(those.map(({ detail }) => detail))];
  const fixes = [...new Set(those.map(({ fix }) => fix).filter((fix) => fix !== null))];
  return { status, detail: details.join("; "), fix: fixes.length > 0 ? fixes.join("\n") : null };
}
