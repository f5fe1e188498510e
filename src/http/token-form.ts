import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { RequestInvalid } from "../errors.ts";
import { readBytes } from "./body-bytes.ts";

/** The body of a request about one token. */
export const TokenForm = Type.Object({ token: Type.String() });

const form = /^application\/x-www-form-urlencoded[\t ]*(?:;|$)/i;

/** Lets the routes of an application read a `TokenForm`, with `parse: "urlencoded"`. */
export function tokenForm(bytesMax: number) {
  return new Elysia().decorate("readForm", ({ request }: { readonly request: Request }) =>
    readToken(request, bytesMax),
  );
}

/**
 * Reads the only `token` of a form. Other parameters are ignored (RFC 7662, section 2.1).
 *
 * @throws {MediaTypeUnsupported} | {BodyTooLarge} as `readBytes`
 * @throws {RequestInvalid} there is no token, or more than one
 */
async function readToken(request: Request, bytesMax: number): Promise<{ token: string }> {
  const body = new TextDecoder().decode(await readBytes(request, form, bytesMax));
  const [token, ...others] = new URLSearchParams(body).getAll("token");
  if (!token || others.length > 0) throw new RequestInvalid("The form must have one token=… and no other.");
  return { token };
}
