import { RequestInvalid } from "../errors.ts";
import { readBody } from "./json-body.ts";

const form = /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i;

/**
 * Reads the only `token` of a form body. Other parameters are ignored (RFC 7662, section 2.1).
 *
 * @throws {MediaTypeUnsupported} | {BodyTooLarge} as `readBody`
 * @throws {RequestInvalid} there is no token, or more than one
 */
export async function readFormToken(request: Request, bytesMax: number): Promise<{ token: string }> {
  const body = new TextDecoder().decode(await readBody(request, form, bytesMax));
  const [token, ...others] = new URLSearchParams(body).getAll("token");
  if (!token || others.length > 0) throw new RequestInvalid("The form must have one token=… and no other.");
  return { token };
}
