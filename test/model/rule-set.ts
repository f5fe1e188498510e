/** A rule of a protocol that a model can leave out. */
export interface Rule<ConfigurationName extends string> {
  /** What the protocol does. Without the rule, the model does what would seem obvious instead. */
  readonly rule: string;
  /**
   * The configuration in which the model is violated without this rule alone; null if another rule makes it redundant.
   */
  readonly caughtIn: ConfigurationName | null;
}

/** All rules of one protocol, and which of them are followed in a run of its model. */
export interface RuleSet<Name extends string, ConfigurationName extends string> {
  readonly names: readonly Name[];
  readonly rules: Readonly<Record<Name, Rule<ConfigurationName>>>;
  readonly allFollowed: Readonly<Record<Name, boolean>>;
  allBut(left: Name): Readonly<Record<Name, boolean>>;
  includes(name: string): name is Name;
}

export function createRuleSet<Name extends string, ConfigurationName extends string>(
  rules: Readonly<Record<Name, Rule<ConfigurationName>>>,
): RuleSet<Name, ConfigurationName> {
  const includes = (name: string): name is Name => name in rules;
  const names = Object.keys(rules).filter(includes);
  const isComplete = (followed: Partial<Record<Name, boolean>>): followed is Record<Name, boolean> =>
    names.every((name) => followed[name] !== undefined);
  const followed: Partial<Record<Name, boolean>> = {};
  for (const name of names) followed[name] = true;
  if (!isComplete(followed)) throw new Error("a rule is missing");
  const allFollowed = followed;
  return { names, rules, allFollowed, allBut: (left) => ({ ...allFollowed, [left]: false }), includes };
}
