import { combine } from "./experiment.ts";
import { createHistory, type History, judge, type Verdict } from "./history.ts";
import { type Load, type LoadOptions, startLoad } from "./load.ts";
import type { World } from "./world.ts";

/**
 * Puts the sidecars under load once they may fill, disturbs them meanwhile, and judges the history of all requests.
 *
 * @param disturb returns figures and failures of its own. It may stop the load itself
 */
export async function judgeUnderLoad(
  world: World,
  options: Omit<LoadOptions, "history">,
  disturb: (history: History, load: Load) => Promise<Verdict>,
): Promise<Verdict> {
  const history = createHistory();
  await world.untilFilling();
  const load = startLoad(world, { ...options, history });
  const own = await disturb(history, load).finally(() => load.stop());
  return combine(own, await judge(world, history));
}
