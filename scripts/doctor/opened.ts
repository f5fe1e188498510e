import type { Environment } from "../../src/config/setting-reader.ts";
import { fine, type Verdict, warning } from "./check.ts";
import type { ExaminedConfig } from "./examined-config.ts";

export interface OpenOptions {
  /** The limit of each step, in milliseconds. */
  readonly deadlineMs: number;
  readonly environment: Environment;
  /** This host's clock. */
  readonly now: () => number;
}

/** The result of an attempt to reach something. */
export interface Opened<Subject> {
  readonly verdict: Verdict;
  /** What its checks examine; `null` if it was not reached. */
  readonly subject: Subject | null;
  close(): Promise<void>;
}

export function notOpened(verdict: Verdict): Opened<never> {
  return { verdict, subject: null, close: async () => {} };
}

/** Returns the result for something that is not tried because its address is not known, or `null` if it is known. */
export function ifUnknown(
  { knows }: ExaminedConfig,
  what: keyof ExaminedConfig["knows"],
): Opened<never> | null {
  if (knows[what]) return null;
  return notOpened(
    warning(
      "not examined, because its settings are wrong",
      "bun run doctor   # again, with the settings corrected",
    ),
  );
}

export const notThereYet = notOpened(fine("none yet: the first start creates it"));
