/** Why a text is refused, if the setting's rule does not say it. Never contains a part of the text. */
export class Refusal {
  /** Completes the sentence "NAME …". */
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** One environment variable: what it means, its default, and which texts it accepts. */
export interface Setting<Value> {
  /** The default, as in README.md; `null` means that it is not set. */
  readonly default: string | null;
  /** Completes the sentence "NAME must be …". */
  readonly rule: string;
  /** Returns `null` if the text breaks the rule. */
  readonly parse: (text: string) => Value | Refusal | null;
  /** Whether the value may come from a file that is named by the same variable with `_FILE`. */
  readonly isSecret?: true;
}

/**
 * Readers without comments, such as `docker run --env-file`, pass a comment on as part of the value, so it is
 * refused.
 */
export function freeText(defaultText: string | null): Setting<string> {
  return matching(defaultText, /^(?!.*\s#)/, "a text, without a comment behind it");
}

export function filePath(defaultText: string | null): Setting<string> {
  const { rule, parse } = freeText(defaultText);
  return { default: defaultText, rule, parse: (text) => refuseUnexpanded(text) ?? parse(text) };
}

/** Only a shell expands these characters. Development would create a folder with that name. */
export function refuseUnexpanded(path: string): Refusal | null {
  if (/^~(?:\/|$)/.test(path))
    return new Refusal('begins with "~", which only a shell replaces: write the path out.');
  if (/\$\{?[A-Za-z_]/.test(path))
    return new Refusal('has a variable ("$…") in its path, which only a shell replaces.');
  return null;
}

export function matching(defaultText: string | null, pattern: RegExp, rule: string): Setting<string> {
  return { default: defaultText, rule, parse: (text) => (pattern.test(text) ? text : null) };
}

export function wholeNumber(defaultText: string | null, min: number, max: number): Setting<number> {
  return {
    default: defaultText,
    rule: `a whole number from ${min} to ${max}`,
    parse: (text) => {
      const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return number >= min && number <= max ? number : null;
    },
  };
}

export function trueOrFalse(defaultText: string | null): Setting<boolean> {
  return {
    default: defaultText,
    rule: "true or false",
    parse: (text) => (text === "true" ? true : text === "false" ? false : null),
  };
}

export function oneOf<const Choice extends string>(
  defaultText: Choice | null,
  choices: readonly Choice[],
): Setting<Choice> {
  return {
    default: defaultText,
    rule: `one of ${choices.join(", ")}`,
    parse: (text) => choices.find((choice) => choice === text) ?? null,
  };
}

/**
 * The subtype of a media type (RFC 6838, section 4.2). The type of hand-off tokens is reserved; verifiers ignore its
 * case.
 */
export function tokenType(defaultText: string): Setting<string> {
  const { rule, parse } = matching(
    defaultText,
    /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/,
    'the name of a token type, such as "ownid-session+jwt" or "JWT"',
  );
  const taken = new Refusal("is the type of hand-off tokens, which must not pass for session tokens.");
  return {
    default: defaultText,
    rule,
    parse: (text) => (/^ownid-handoff\+jwt$/i.test(text) ? taken : parse(text)),
  };
}

/** A token that callers send as `Authorization: Bearer`. */
export function bearerToken(): Setting<string> & { readonly isSecret: true } {
  const rule = "32 or more visible ASCII characters, without blanks";
  return { ...matching(null, /^[\x21-\x7e]{32,}$/, rule), isSecret: true };
}

export function port(defaultText: string): Setting<number> {
  return wholeNumber(defaultText, 0, 65_535);
}

export function hostName(defaultText: string): Setting<string> {
  return matching(defaultText, /^[A-Za-z0-9.:_-]+$/, "a host name or an IP address");
}

export function columnName(defaultText: string | null): Setting<string> {
  return matching(defaultText, /^[\p{L}\p{N}_$ .-]{1,128}$/u, "a column's name, without quotes");
}
