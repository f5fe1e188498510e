import { ServerMisplaced } from "./epoch-question.ts";
import { type Explanation, explainRedisFailure, isUnsent } from "./failures.ts";

/** How long a misplacement or a refusal counts as the state of Redis, unless it is reported again. */
const recentMs = 5000;

interface Recent {
  readonly explanation: Explanation;
  readonly until: number;
}

/** Remembers what was last wrong with the masters of Redis. */
export function createRecentProblems() {
  let failedQuestion: Explanation | null = null;
  let misplacement: Recent | null = null;
  let refusal: Recent | null = null;

  return {
    /** A master has answered the question for its epoch. */
    answered(): void {
      failedQuestion = null;
      misplacement = null;
    },

    /** The question for an epoch has failed with this error. */
    questionFailed(error: unknown): void {
      // Why there is no connection is known already.
      if (isUnsent(error)) return;
      const isMisplaced = error instanceof ServerMisplaced;
      failedQuestion = isMisplaced ? error.explanation : explainRedisFailure(error);
      if (isMisplaced) misplacement = untilLater(error.explanation);
    },

    /** Redis has refused a command. */
    refused(error: Error): void {
      refusal = untilLater(explainRedisFailure(error));
    },

    /** Returns why the last question failed, or `null` if it was answered. */
    failedQuestion: () => failedQuestion,

    /** Returns why the server that answered recently must not hold keys, or `null`. */
    misplacement: () => ifRecent(misplacement),

    /** Returns why Redis has refused a command recently, or `null`. */
    refusal: () => ifRecent(refusal),
  };
}

function untilLater(explanation: Explanation): Recent {
  return { explanation, until: performance.now() + recentMs };
}

function ifRecent(problem: Recent | null): Explanation | null {
  return problem !== null && performance.now() < problem.until ? problem.explanation : null;
}
