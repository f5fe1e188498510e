import { type Fix, fixText } from "../../src/fix.ts";

/** `warning`: it works but should be changed. `wrong`: it does not work, or is not safe. */
export type Status = "fine" | "warning" | "wrong";

/** What a check found: names, counts and settings; never a secret, a login id or a user's value. */
export interface Verdict {
  readonly status: Status;
  readonly detail: string;
  /** The command, SQL or setting that fixes it, ready to be typed; `null` if nothing needs fixing. */
  readonly fix: string | null;
  /** The same as data, if it was given as data: the steps of each fix, and who takes them. */
  readonly fixes?: readonly Fix[];
}

/**
 * One question about one subject. A new check is a constant in the file of its subject and an entry in the list
 * there. The runner reports what it throws, and that it does not finish.
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
  ...told(fix),
});
export const wrong = (detail: string, fix: AnyFix): Verdict => ({ status: "wrong", detail, ...told(fix) });

/** The text to type, or the fixes as data. */
type AnyFix = string | readonly Fix[];

function told(fix: AnyFix): Pick<Verdict, "fix" | "fixes"> {
  return typeof fix === "string" ? { fix } : { fix: fixText(fix), fixes: fix };
}

const severity: Record<Status, number> = { fine: 0, warning: 1, wrong: 2 };

export function worstStatus(verdicts: readonly Verdict[]): Status {
  return verdicts.reduce<Status>(
    (worst, { status }) => (severity[status] > severity[worst] ? status : worst),
    "fine",
  );
}

/** Returns one verdict for several servers: what the worst of them have in common, with the fix of each. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  const status = worstStatus(verdicts);
  const those = verdicts.filter((verdict) => verdict.status === status);
  const details = [...new Set(those.map(({ detail }) => detail))];
  const fixes = [...new Set(those.map(({ fix }) => fix).filter((fix) => fix !== null))];
  return { status, detail: details.join("; "), fix: fixes.length > 0 ? fixes.join("\n") : null };
}
