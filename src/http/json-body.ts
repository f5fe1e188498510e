import { Elysia } from "elysia";
import { RequestInvalid } from "../errors.ts";
import { readBytes } from "./body-bytes.ts";

const json = /^application\/json[\t ]*(?:;|$)/i;
/**
 * Invalid UTF-8 is refused instead of replaced, because `ownIdData` is stored byte for byte. A byte order mark is not
 * valid JSON.
 */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Lets the routes of an application read a JSON body that is not signed, with `parse: "json"`. */
export function jsonBody(bytesMax: number) {
  return new Elysia().decorate("readBody", async ({ request }: { readonly request: Request }) =>
    parseJson(await readJsonBytes(request, bytesMax)),
  );
}

/** Reads a body whose media type is JSON, as `readBytes` does. */
export function readJsonBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  return readBytes(request, json, bytesMax);
}

/** @throws {RequestInvalid} the bytes are not JSON in UTF-8 */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    throw new RequestInvalid("The body must be JSON in UTF-8 without a byte order mark.");
  }
}
