import type { RuleSet } from "./rule-set.ts";
import { type Finding, type Model, search } from "./search.ts";

/** A search that a protocol offers, and what it covers. */
interface Search {
  readonly about: string;
  search(): Finding;
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
  readonly limits: Readonly<Record<string, Search>>;
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
  readonly limits: Readonly<Record<string, Configuration>>;
  readonly ruleSet: RuleSet<RuleName, ConfigurationName>;
  readonly createModel: (
    configuration: Configuration,
    rules: Readonly<Record<RuleName, boolean>>,
  ) => Model<State>;
}

export function createProtocol<
  Configuration extends { readonly about: string },
  RuleName extends string,
  ConfigurationName extends string,
  State,
>({
  configurations,
  limits,
  ruleSet,
  createModel,
}: ProtocolOptions<Configuration, RuleName, ConfigurationName, State>): Protocol {
  const searches = (all: Readonly<Record<string, Configuration>>) =>
    Object.fromEntries(
      Object.entries(all).map(([name, configuration]) => [
        name,
        { about: configuration.about, search: () => search(createModel(configuration, ruleSet.allFollowed)) },
      ]),
    );

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
    configurations: searches(configurations),
    limits: searches(limits),
    omissions: Object.fromEntries(ruleSet.names.map((name) => [name, omission(name)])),
  };
}
