import { Elysia } from "elysia";
import type { VerifiedSignature, VerifySignature } from "../protocol/signature.ts";
import { parseJson, readJsonBody } from "./json-body.ts";

export interface SignedBodyOptions {
  readonly verifySignature: VerifySignature;
  readonly bodyBytesMax: number;
}

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
      const body = await readJsonBody(context.request, bodyBytesMax);
      context.signature = verifySignature({
        body,
        signature: headers.get("ownid-signature"),
        timestamp: headers.get("ownid-timestamp"),
      });
      return withoutNesting(parseJson(body));
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
