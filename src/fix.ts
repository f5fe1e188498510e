/** One step of a fix, and who takes it. */
export type Step =
  /** One statement, for the owner of the table or an administrator of the server. */
  | { readonly kind: "sql"; readonly text: string }
  /** A command line for a shell, of the account that runs the sidecar, of root, or of the database's administrator. */
  | { readonly kind: "command"; readonly as: "service" | "root" | "database"; readonly text: string }
  /** `NAME=value`, for the environment of the sidecar. */
  | { readonly kind: "setting"; readonly text: string };

/** One way to fix a problem. */
export interface Fix {
  /** The case in which to take this way, if there are several; an instruction in words, if `steps` is empty. */
  readonly when: string | null;
  /** In the order in which to take them. */
  readonly steps: readonly Step[];
}

export const sql = (text: string): Step => ({ kind: "sql", text });
export const setting = (name: string, value: string): Step => ({ kind: "setting", text: `${name}=${value}` });
export const command = (as: "service" | "root" | "database", text: string): Step => ({
  kind: "command",
  as,
  text,
});

/** The only way. */
export const fixBy = (...steps: readonly Step[]): readonly Fix[] => [{ when: null, steps }];

/** One of several ways. */
export const fixWhen = (when: string, ...steps: readonly Step[]): Fix => ({ when, steps });

/** The ways as text that can be copied, one step per line. What cannot be typed becomes a comment. */
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

/** `text` as one word of a shell's command line. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
