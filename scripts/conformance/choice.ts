import { distance } from "fastest-levenshtein";
import { UsageWrong } from "../command.ts";
import { type Case, profileOf, profiles } from "./case.ts";
import { allCases } from "./cases/all.ts";

export interface Choice {
  readonly profile?: string | undefined;
  readonly replay?: string | undefined;
}

/** Returns the cases that the options ask for. @throws {UsageWrong} */
export function chooseCases({ profile, replay }: Choice): readonly Case[] {
  if (replay !== undefined && profile !== undefined)
    throw new UsageWrong("--replay names one case: leave out --profile.");
  if (replay !== undefined) return [findCase(replay)];
  if (profile === undefined) return allCases;
  const named = profile.split(",").map((name) => name.trim());
  const unknown = named.find((name) => !profiles.some((known) => known === name));
  if (unknown !== undefined) {
    throw new UsageWrong(`--profile: there is no profile ${unknown}. There are ${profiles.join(", ")}.`);
  }
  return allCases.filter((examined) => named.includes(profileOf(examined)));
}

/** @throws {UsageWrong} */
function findCase(id: string): Case {
  const found = allCases.find((known) => known.id === id);
  if (found !== undefined) return found;
  const [nearest = ""] = allCases.map((known) => known.id).sort((a, b) => distance(a, id) - distance(b, id));
  throw new UsageWrong(`--replay: there is no case ${id}. The most similar one is ${nearest}.`);
}
