import { Elysia } from "elysia";
import { SignatureInvalid } from "../errors.ts";
import type { VerifiedSignature, VerifySignature } from "../protocol/signature.ts";
import { parseJson, readJsonBody } from "./json-body.ts";

export interface SignedBodyOptions {
  readonly verifySignature: VerifySignature;
  readonly bodyBytesMax: number;
}

/** What a request's context holds until its signature has been verified. */
const notVerified: VerifiedSignature = {
  get mac(): never {
    throw new SignatureInvalid("not verified");
  },
  signedAtMs: 0,
};

/** How a signed endpoint reads its body: media type, size, signature over the raw bytes, and only then JSON. */
export function signedBody({ verifySignature, bodyBytesMax }: SignedBodyOptions) {
  return new Elysia({ name: "signed-body" })
    .decorate("signature", notVerified)
    .decorate("readBody", async (context: SignedContext) => {
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

interface SignedContext {
  readonly request: Request;
  signature: VerifiedSignature;
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
