import { parseObject } from "./answers.ts";

/** Takes out of a report what must not be read there. */
export interface Redact {
  /** Of an answer. In a success, every text is hidden that this run has not made up: tokens, and users' data. */
  body(status: number, text: string): string;
  /** Those that the contract speaks of. */
  headers(headers: Headers): Record<string, string>;
  /** Of anything else: the test user's data and the shared secrets. */
  text(text: string): string;
}

export interface RedactOptions {
  readonly sharedSecrets: readonly Uint8Array[];
  /** What the test user had; `null` = nothing. */
  readonly initialValue: string | null;
  /** Whether this run made the value up, so that it may be shown. */
  readonly isOurs: (value: string) => boolean;
}

const shownHeaders =
  /^(?:content-type|content-length|cache-control|allow|retry-after|location|x-request-id|access-control-.*)$/;
/** Shorter ones occur in any text. */
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

  function hide(value: string): string {
    return isOurs(value) ? value : `[redacted, ${value.length} characters]`;
  }
}
