import { RequestInvalid } from "../errors.ts";

export type LoginIdCase = "exact" | "lower";

/** The longest e-mail address: 64 + "@" + 255 characters (RFC 5321, section 4.5.3.1). */
const loginIdCharactersMax = 320;
const controlCharacter = /\p{Cc}/u;

/**
 * Turns a submitted login id into the text that is looked up in the database and in Redis. It must have 1 to 320
 * characters, no control characters, and well-formed Unicode. It is not trimmed or normalized, because that could
 * make two users one.
 *
 * @throws {RequestInvalid}
 */
export function parseLoginId(submitted: string, loginIdCase: LoginIdCase): string {
  const loginId = loginIdCase === "lower" ? submitted.toLowerCase() : submitted;
  if (loginId.length === 0 || !fits(loginId)) {
    throw new RequestInvalid(`loginId must have 1 to ${loginIdCharactersMax} characters.`);
  }
  if (controlCharacter.test(loginId))
    throw new RequestInvalid("loginId must not contain control characters.");
  if (!loginId.isWellFormed()) throw new RequestInvalid("loginId must not contain a lone surrogate.");
  return loginId;
}

function fits(loginId: string): boolean {
  if (loginId.length <= loginIdCharactersMax) return true;
  return loginId.length <= 2 * loginIdCharactersMax && [...loginId].length <= loginIdCharactersMax;
}
