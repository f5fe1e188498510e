import { RequestInvalid } from "../errors.ts";

/**
 * Returns the submitted `ownIdData` unchanged: it is opaque text. Only what no text column can hold is refused, which
 * is U+0000 and a lone surrogate, since that has no form in UTF-8.
 *
 * @throws {RequestInvalid}
 */
export function parseOwnIdData(submitted: string): string {
  if (submitted.includes("\0")) throw new RequestInvalid("ownIdData must not contain the character U+0000.");
  if (!submitted.isWellFormed()) throw new RequestInvalid("ownIdData must not contain a lone surrogate.");
  return submitted;
}
