/** One step of a fix, and who performs it. */
export type Step =
  /** One SQL statement, for the owner of the table or an administrator of the server. */
  | { readonly kind: "sql"; readonly text: string }
  /** A command line for a shell of the service's account, of root, or of the database's administrator. */
  | { readonly kind: "command"; readonly as: "service" | "root" | "database"; readonly text: string }
  /** `NAME=value`, for the environment of the sidecar. */
  | { readonly kind: "setting"; readonly text: string };

/** One way to fix a problem. */
export interface Fix {
  /** When to choose this fix, if there are several. If `steps` is empty, this is an instruction in words. */
  readonly when: string | null;
  /** The steps, in order. */
  readonly steps: readonly Step[];
}

export const sql = (text: string): Step => ({ kind: "sql", text });
export const setting = (name: string, value: string): Step => ({ kind: "setting", text: `${name}=${value}` });
export const command = (as: "service" | "root" | "database", text: string): Step => ({
  kind: "command",
  as,
  text,
});

/** Returns a list with one fix, for a problem that has no other. */
export const fixBy = (...steps: readonly Step[]): readonly Fix[] => [{ when: null, steps }];

/** Returns one fix of several, and when to choose it. */
export const fixWhen = (when: string, ...steps: readonly Step[]): Fix => ({ when, steps });

/** Returns the fixes as text that can be copied, one step a line. Whatever cannot be typed becomes a comment. */
export function fixText(fixes: readonly Fix[]): string {
  return fixes.flatMap(linesOf).join("\n");
}

function linesOf({ when, steps }: Fix): string[] {
  const comment = steps[0]?.kind === "sql" ? "--" : "#";
  const introduction = when === null ? [] : [`${comment} ${when}${steps.length === 0 ? "." : ":"}`];
  return [...introduction, ...steps.map(lineOf)];
}

function lineOf(step: Step): string {
  return step.kind === "command" && step.as === "root" ? `sudo ${step.text}` : step.text;
}

/**
 * Returns `text`, quoted as one word of a command line that a person pastes into a shell. `Bun.$.escape` would use
 * double quotes, in which an interactive bash still expands `!`.
 */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
