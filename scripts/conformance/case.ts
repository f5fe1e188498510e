import type { Answer } from "../client/signed-client.ts";
import type { Site } from "./site.ts";

export const profiles = ["basic", "signed", "safe", "fresh", "future"] as const;

export type Profile = (typeof profiles)[number];

/** As in RFC 2119: a server that misses a `must` does not conform. */
export type Level = "must" | "should" | "may";

/** One question to the server under test. */
export interface Case {
  /** Begins with the profile: `basic-get-unknown-user`. It never changes, since reports and CI name it. */
  readonly id: string;
  readonly level: Level;
  /** The sentence of the contract that it examines. */
  readonly contract: string;
  /** What to look for in the server where the case fails. */
  readonly hint: string;
  /** Whether it changes the data of the test user. */
  readonly writes?: true;
  /**
   * Returns if the server does what the contract says.
   *
   * @throws {Deviation} | {Variant} | {NotJudged}
   */
  readonly run: (site: Site) => Promise<void>;
}

/** The server does not do what the contract says. `message` says what came instead. */
export class Deviation extends Error {
  /** The answer that shows it, where a single one does. */
  readonly answer: Answer | null;

  constructor(message: string, answer: Answer | null = null) {
    super(message);
    this.answer = answer;
  }
}

/** The server does something else that OwnID's sources, or the sidecar's settings, provide for. */
export class Variant extends Deviation {}

/** Nothing can be said: another fault, which has a case of its own, stands in the way. */
export class NotJudged extends Error {}

export function profileOf({ id }: Pick<Case, "id">): Profile {
  const found = profiles.find((profile) => id.startsWith(`${profile}-`));
  if (found === undefined) throw new Error(`${id} has no profile`);
  return found;
}

/**
 * Makes every examination, then throws the gravest of what they threw: a deviation before a variant before what could
 * not be judged.
 */
export async function examineEach<Item>(
  items: readonly Item[],
  examine: (item: Item) => Promise<void>,
): Promise<void> {
  const thrown: unknown[] = [];
  for (const item of items) await examine(item).catch((error: unknown) => thrown.push(error));
  const other = thrown.find((error) => !isOutcome(error));
  if (other !== undefined) throw other;
  const byGravity = [isDeviation, isVariant, isOutcome].map((is) => thrown.find(is));
  const gravest = byGravity.find((error) => error !== undefined);
  if (gravest !== undefined) throw gravest;
}

const isVariant = (error: unknown) => error instanceof Variant;
const isDeviation = (error: unknown) => error instanceof Deviation && !isVariant(error);
const isOutcome = (error: unknown) => error instanceof Deviation || error instanceof NotJudged;
