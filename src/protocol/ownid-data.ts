import { RequestInvalid } from "../errors.ts";

/**
 * `ownIdData` is opaque text and is kept to the byte. Only what no text column can hold is refused: U+0000,
 * and a lone surrogate, which has no UTF-8 form.
 *
 * @throws {RequestInvalid}
 */
export function parseOwnIdData(submitted: string): string {
  if (submitted.includes("\0")) throw new RequestInvalid("ownIdData must not contain the character U+0000.");
  if (!submitted.isWellFormed()) throw new RequestInvalid("ownIdData must not contain a lone surrogate.");
  return submitted;
}
