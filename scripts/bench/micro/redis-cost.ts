import type { Redis } from "ioredis";
import { type StoreStep, storeSteps } from "./store-steps.ts";

export interface RedisCost {
  readonly step: string;
  /** Redis' own processor time for one call, round by round, in microseconds. */
  readonly microseconds: readonly number[];
}

const usersAtOnce = 500;

/**
 * What each step of the store costs Redis, which has one thread for all sidecars. Redis itself keeps that account
 * for each command, so neither the journey nor this process is in it.
 *
 * @throws {Error} a step did not do what it is measured for
 */
export async function measureRedisCost(
  redis: Redis,
  rounds: number,
  filter: RegExp,
): Promise<readonly RedisCost[]> {
  const steps = storeSteps(redis).filter(({ name }) => filter.test(name));
  const measured = steps.map((step) => ({ step, microseconds: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { step, microseconds } of measured) microseconds.push(await costOf(redis, step));
  }
  return measured.map(({ step, microseconds }) => ({ step: step.name, microseconds }));
}

async function costOf(redis: Redis, step: StoreStep): Promise<number> {
  await redis.flushall("SYNC");
  // The first time, the text of the script has to be sent.
  await (await step.prepare("the first of all"))();
  const users = Array.from({ length: usersAtOnce }, (_, number) => `user${number}@example.com`);
  const prepared = await Promise.all(users.map((user) => step.prepare(user)));
  await redis.config("RESETSTAT");
  const answers = await Promise.all(prepared.map((run) => run()));
  const stats = await redis.info("commandstats");
  const wrong = answers.filter((answer) => !step.isRight(answer)).length;
  if (wrong > 0)
    throw new Error(`${step.name}: ${wrong} of ${usersAtOnce} answers are not what they should be`);
  const [, calls = 0, microseconds = 0] =
    new RegExp(`^cmdstat_${step.command}:calls=(\\d+),usec=(\\d+)`, "m").exec(stats)?.map(Number) ?? [];
  if (calls !== usersAtOnce) throw new Error(`${step.name}: Redis counts ${calls} calls, not ${usersAtOnce}`);
  return microseconds / calls;
}
