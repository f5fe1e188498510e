import type { Answer } from "../client/signed-client.ts";
import type { Site } from "./site.ts";

export const profiles = ["basic", "signed", "safe", "fresh", "future"] as const;

export type Profile = (typeof profiles)[number];

/** The levels of RFC 2119. A server does not conform if a `must` does not hold. */
export type Level = "must" | "should" | "may";

/** One question about the server under test. */
export interface Case {
  /** Begins with the profile, such as `basic-get-unknown-user`. It never changes, since reports and CI refer to it. */
  readonly id: string;
  readonly level: Level;
  /** The sentence of the contract that it examines. */
  readonly contract: string;
  /** What to look for in the server if the case fails. */
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

/** The server does not do what the contract says. `message` says what it did instead. */
export class Deviation extends Error {
  /** The answer that shows it, or `null` if no single answer does. */
  readonly answer: Answer | null;

  constructor(message: string, answer: Answer | null = null) {
    super(message);
    this.answer = answer;
  }
}

/** The server does something else that OwnID's sources or the settings of the sidecar provide for. */
export class Variant extends Deviation {}

/** The case cannot be judged, because another fault prevents it. That fault has its own case. */
export class NotJudged extends Error {}

export function profileOf({ id }: Pick<Case, "id">): Profile {
  const found = profiles.find((profile) => id.startsWith(`${profile}-`));
  if (found === undefined) throw new Error(`${id} has no profile`);
  return found;
}

/**
 * Examines every item, and then throws the gravest error that occurred. A deviation is graver than a variant, and a
 * variant is graver than what could not be judged.
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
