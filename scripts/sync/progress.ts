import { startProgress } from "../progress.ts";
import { countText, timeLeftText } from "../quantities.ts";
import type { Patience } from "./patience.ts";

export interface CountedProgress {
  advance(items: number): void;
  end(): void;
}

export interface CountedWork {
  /** What is being done, in a word or two. */
  readonly step: string;
  /** What is counted, in the plural. */
  readonly items: string;
  /** `null` if unknown. */
  readonly total: number | null;
  /** How many were done before this run. */
  readonly before?: number;
}

/** Shows how many items are done, how fast, how long the rest will take, and what the work waits for. */
export function showProgress(
  { step, items, total, before = 0 }: CountedWork,
  { waitingFor }: Pick<Patience, "waitingFor">,
): CountedProgress {
  const startedAt = performance.now();
  let done = before;

  const { end } = startProgress(() => {
    const seconds = (performance.now() - startedAt) / 1000;
    const perSecond = Math.round((done - before) / seconds);
    const secondsLeft =
      total === null || perSecond === 0 ? null : Math.ceil(Math.max(0, total - done) / perSecond);
    const share = total ? `${Math.min(100, (100 * done) / total).toFixed(1)} %  ` : "";
    const of = total === null ? "" : ` of ${countText(total)}`;
    const left = secondsLeft === null ? "" : `  ${timeLeftText(secondsLeft)} left`;
    const reason = waitingFor();
    const pace = reason === null ? `${countText(perSecond)}/s${left}` : `waiting: ${reason}`;
    return {
      lines: [`${step}  ${share}${countText(done)}${of} ${items}  ${pace}`],
      facts: { step, [items]: done, total, perSecond, secondsLeft, waitingFor: reason },
    };
  });
  return {
    advance(more) {
      done += more;
    },
    end,
  };
}
