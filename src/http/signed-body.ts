import { Elysia } from "elysia";
import { BodyTooLarge, MediaTypeUnsupported, RequestInvalid } from "../errors.ts";
import type { VerifiedSignature, VerifySignature } from "../protocol/signature.ts";

export interface SignedBodyOptions {
  readonly verifySignature: VerifySignature;
  readonly bodyBytesMax: number;
}

const json = /^application\/json[\t ]*(?:;|$)/i;
/** Wrong UTF-8 is refused, not replaced: `ownIdData` is kept to the byte. A byte order mark is no JSON. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a request's context holds until the parser has verified its signature. */
const notVerified: VerifiedSignature = { mac: new Uint8Array(), signedAtMs: 0 };

/**
 * The parser of the signed endpoints: media type, size, signature over the raw bytes, and only then JSON.
 * Routes name it first in their `parse` list; `"json"` after it is never reached and only tells the OpenAPI
 * document what the body is.
 */
export function signedBody({ verifySignature, bodyBytesMax }: SignedBodyOptions) {
  return new Elysia({ name: "signed-body" })
    .decorate("signature", notVerified)
    .parser("signed-json", async (context) => {
      const { headers } = context.request;
      if (!json.test(headers.get("content-type") ?? "")) throw new MediaTypeUnsupported();
      if ((headers.get("content-encoding") ?? "identity") !== "identity") throw new MediaTypeUnsupported();
      const declared = headers.get("content-length");
      if (Number(declared) > bodyBytesMax) throw new BodyTooLarge();
      const body =
        declared === null
          ? await readUndeclared(context.request, bodyBytesMax)
          : await context.request.bytes();
      context.signature = verifySignature({
        body,
        signature: headers.get("ownid-signature"),
        timestamp: headers.get("ownid-timestamp"),
      });
      try {
        return withoutNesting(JSON.parse(utf8.decode(body)));
      } catch {
        throw new RequestInvalid("The body must be JSON in UTF-8 without a byte order mark.");
      }
    });
}

export type SignedBody = ReturnType<typeof signedBody>;

/**
 * The endpoints ask for texts alone. Whatever is nested counts as `null`, since a validator that describes it to
 * its last depth takes long and can run out of stack.
 */
function withoutNesting(parsed: unknown): unknown {
  if (!isObject(parsed)) return parsed;
  for (const name in parsed) if (typeof parsed[name] === "object") parsed[name] = null;
  return parsed;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A body that did not say its length is refused as it passes the limit. */
async function readUndeclared(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
