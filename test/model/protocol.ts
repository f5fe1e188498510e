import type { RuleSet } from "./rule-set.ts";
import { type Finding, type Model, search } from "./search.ts";

/** A search that a protocol offers, and what it covers. */
interface Search {
  readonly about: string;
  search(): Finding;
}

/** What a configuration has in addition if the protocol does not promise to stand it. */
export interface Limit {
  /** The sentence that describes the violation. */
  readonly violates: string;
}

interface Omission {
  readonly rule: string;
  readonly caughtIn: string | null;
  /** Searches for a violation without the rule, in the configuration in which there is one. */
  search(): Finding;
}

/** A protocol, with every search that the tests make in its model. */
export interface Protocol {
  /** With all rules. There is no violation. */
  readonly configurations: Readonly<Record<string, Search>>;
  /** With all rules, but in a world that the protocol does not claim to stand. There is a violation. */
  readonly limits: Readonly<Record<string, Search & Limit>>;
  /** Without one rule each. */
  readonly omissions: Readonly<Record<string, Omission>>;
}

export interface ProtocolOptions<
  Configuration,
  RuleName extends string,
  ConfigurationName extends string,
  State,
> {
  readonly configurations: Readonly<Record<ConfigurationName, Configuration>>;
  readonly limits: Readonly<Record<string, Configuration & Limit>>;
  readonly ruleSet: RuleSet<RuleName, ConfigurationName>;
  readonly createModel: (
    configuration: Configuration,
    rules: Readonly<Record<RuleName, boolean>>,
  ) => Model<State>;
}

export function createProtocol<
  Configuration extends Pick<Search, "about">,
  RuleName extends string,
  ConfigurationName extends string,
  State,
>({
  configurations,
  limits,
  ruleSet,
  createModel,
}: ProtocolOptions<Configuration, RuleName, ConfigurationName, State>): Protocol {
  const searchOf = (configuration: Configuration): Search => ({
    about: configuration.about,
    search: () => search(createModel(configuration, ruleSet.allFollowed)),
  });

  function omission(name: RuleName): Omission {
    const { rule, caughtIn } = ruleSet.rules[name];
    return {
      rule,
      caughtIn,
      search() {
        if (caughtIn === null) throw new Error(`${name} is redundant`);
        return search(createModel(configurations[caughtIn], ruleSet.allBut(name)));
      },
    };
  }

  return {
    configurations: mapped(configurations, searchOf),
    limits: mapped(limits, (limit) => ({ ...searchOf(limit), violates: limit.violates })),
    omissions: Object.fromEntries(ruleSet.names.map((name) => [name, omission(name)])),
  };
}

const mapped = <From, To>(
  all: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> => Object.fromEntries(Object.entries(all).map(([name, value]) => [name, map(value)]));
