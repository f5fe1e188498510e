import { Refusal } from "./setting-kinds.ts";

/**
 * Refuses an address (`scheme://user:password@host/…`) that contains characters which end the user, the password or
 * another part unintentionally. The password would be cut off, or would become part of something that is shown.
 * Control characters are also refused, since protocols end their texts with them.
 */
export function refuseUnencoded(address: string): Refusal | null {
  const [, rest = ""] = /^[^:]*:\/\/(.*)$/s.exec(address) ?? [];
  const authorityEnd = rest.search(/[/?#]/);
  if (authorityEnd >= 0 && rest.indexOf("@", authorityEnd) >= 0) return unencoded('"/", "?" or "#"');
  if (rest.includes("#")) return unencoded('"#"');
  const decoded = decodePercent(rest);
  if (decoded === null) return unencoded('"%"');
  return /\p{Cc}/u.test(decoded)
    ? new Refusal("has an encoded control character, such as %00 or %0A.")
    : null;
}

function unencoded(characters: string): Refusal {
  return new Refusal(
    `has an unencoded ${characters}, perhaps in the password: percent-encode it (% as %25, # as %23, / as %2F, ? as %3F, @ as %40).`,
  );
}

/** Returns `null` if a percent sign stands for itself, so that the text was never percent-encoded. */
export function decodePercent(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
