import type { Case } from "../case.ts";
import { basicCases } from "./basic.ts";
import { dataCases } from "./basic-data.ts";
import { freshCases } from "./fresh.ts";
import { futureCases } from "./future.ts";
import { answerCases } from "./safe-answers.ts";
import { inputCases } from "./safe-input.ts";
import { replayCases } from "./safe-replay.ts";
import { signedCases } from "./signed.ts";

/** All cases, in the order in which they run and are reported. */
export const allCases: readonly Case[] = [
  ...basicCases,
  ...dataCases,
  ...signedCases,
  ...replayCases,
  ...inputCases,
  ...answerCases,
  ...freshCases,
  ...futureCases,
];
