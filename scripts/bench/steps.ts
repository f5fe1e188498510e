import { showStep } from "../progress.ts";
import { timeLeftText } from "../quantities.ts";

/**
 * Counts the steps of a run. The returned function shows that the next step begins, and estimates the remaining time
 * from the steps so far.
 */
export function countSteps(
  total: number,
  show: (text: string) => void = showStep,
  now: () => number = () => performance.now(),
): (what: string) => void {
  const startedAt = now();
  let done = -1;
  return (what) => {
    done += 1;
    const secondsLeft = (((now() - startedAt) / 1000) * (total - done)) / done;
    const left = done === 0 ? "" : `, about ${timeLeftText(secondsLeft)} left`;
    show(`${done + 1} of ${total}${left}: ${what}`);
  };
}
