import { parseObject } from "./answers.ts";

/** Removes from a report what it must not reveal. */
export interface Redact {
  /**
   * Redacts the body of an answer. If the answer is a success, every text is hidden that this run has not invented, such
   * as tokens and users' data.
   */
  body(status: number, text: string): string;
  /** Returns only the headers that matter for the contract. */
  headers(headers: Headers): Record<string, string>;
  /** Redacts the test user's data and the shared secrets in any other text. */
  text(text: string): string;
}

export interface RedactOptions {
  readonly sharedSecrets: readonly Uint8Array[];
  /** The data of the test user when the run began, or `null`. */
  readonly initialValue: string | null;
  /** Returns whether this run has invented the value, so that it may be shown. */
  readonly isOurs: (value: string) => boolean;
}

const shownHeaders =
  /^(?:content-type|content-length|cache-control|allow|retry-after|location|x-request-id|access-control-.*)$/;
/** Shorter values are not searched for, since they occur in any text. */
const valueCharactersMin = 4;

export function createRedact({ sharedSecrets, initialValue, isOurs }: RedactOptions): Redact {
  const values = initialValue === null ? [] : [initialValue, JSON.stringify(initialValue).slice(1, -1)];
  const secrets = sharedSecrets.flatMap((secret) => {
    const bytes = Buffer.from(secret);
    return [bytes.toString("base64"), bytes.toString("hex")];
  });
  const hidden = [...values, ...secrets].filter(({ length }) => length >= valueCharactersMin);

  function text(shown: string): string {
    return hidden.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), shown);
  }

  function hide(value: string): string {
    return isOurs(value) ? value : `[redacted, ${value.length} characters]`;
  }

  return {
    text,
    body(status, shown) {
      if (status >= 300 || shown === "") return text(shown);
      const json = parseObject(shown);
      if (json === null) return `[redacted, ${shown.length} characters]`;
      return text(
        JSON.stringify(json, (_, value: unknown) => (typeof value === "string" ? hide(value) : value)),
      );
    },
    headers(headers) {
      return Object.fromEntries(
        [...headers].filter(([name]) => shownHeaders.test(name)).map(([name, value]) => [name, text(value)]),
      );
    },
  };
}
