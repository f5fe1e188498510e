import { codeOf } from "../../src/error-code.ts";
import { type Check, type Item, type Verdict, warning, wrong } from "./check.ts";

/** Why something could not be examined, in words that quote no data. */
export interface Explanation {
  readonly reason: string;
  readonly fix: string;
}

export interface RunnerOptions {
  /** The limit of one check, in milliseconds. */
  readonly deadlineMs: number;
  /** Called after each check with the number of those done and of those known so far. */
  readonly onProgress: (done: number, known: number) => void;
}

export type Runner = ReturnType<typeof createRunner>;

/** Runs checks concurrently. Whatever a check does, it becomes one item within the deadline. */
export function createRunner({ deadlineMs, onProgress }: RunnerOptions) {
  let done = 0;
  let known = 0;

  async function judge<Subject>(
    check: Check<Subject>,
    subject: Subject,
    explain: (error: unknown) => Explanation,
  ): Promise<Item> {
    const { id, title, isScan = false } = check;
    let verdict: Verdict;
    try {
      verdict = await within(deadlineMs, async () => check.examine(subject));
    } catch (error) {
      verdict = error instanceof DeadlinePassed ? late(deadlineMs, isScan) : failed(explain(error));
    }
    done += 1;
    onProgress(done, known);
    return { id, title, ...verdict };
  }

  return function run<Subject>(
    checks: readonly Check<Subject>[],
    subject: Subject,
    explain: (error: unknown) => Explanation = explainSystemError,
  ): Promise<Item[]> {
    known += checks.length;
    return Promise.all(checks.map((check) => judge(check, subject, explain)));
  };
}

class DeadlinePassed extends Error {}

/** @throws {DeadlinePassed} the work takes longer; it is not stopped */
export async function within<Result>(deadlineMs: number, work: () => Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlinePassed()), deadlineMs);
  try {
    return await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function late(deadlineMs: number, isScan: boolean): Verdict {
  const seconds = deadlineMs / 1000;
  const again = `bun run doctor --deadline ${Math.ceil(seconds * 10)}`;
  if (isScan) return warning(`the table could not be read to its end within ${seconds} s`, again);
  return wrong(`no answer within ${seconds} s`, `${again}   # then see the server's load and the network`);
}

function failed({ reason, fix }: Explanation): Verdict {
  return wrong(`could not be examined: ${reason}`, fix);
}

/** Explains what only the operating system was asked for. */
function explainSystemError(error: unknown): Explanation {
  const code = codeOf(error) || "an unexpected error";
  return { reason: code, fix: "run the doctor as the account that runs the sidecar" };
}
