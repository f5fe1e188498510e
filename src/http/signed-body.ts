import { Elysia } from "elysia";
import { SignatureInvalid } from "../errors.ts";
import type { VerifiedSignature, VerifySignature } from "../protocol/signature.ts";
import { parseJson, readJsonBytes } from "./json-body.ts";

export interface SignedBodyOptions {
  readonly verifySignature: VerifySignature;
  readonly bodyBytesMax: number;
}

/** The placeholder in a request's context until its signature has been verified. */
const notVerified: VerifiedSignature = {
  get mac(): never {
    throw new SignatureInvalid("not verified");
  },
  signedAtMs: 0,
};

/**
 * Reads the body of a signed endpoint: checks the media type and the size, verifies the signature over the raw bytes,
 * and only then parses the JSON.
 */
export function signedBody({ verifySignature, bodyBytesMax }: SignedBodyOptions) {
  return new Elysia({ name: "signed-body" })
    .decorate("signature", notVerified)
    .decorate("readBody", async (context: SignedContext) => {
      const { headers } = context.request;
      const body = await readJsonBytes(context.request, bodyBytesMax);
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
 * Replaces nested values by `null`, since the endpoints accept only texts. A validator that describes a deeply nested
 * value takes long and can exhaust the stack.
 */
function withoutNesting(parsed: unknown): unknown {
  if (!isObject(parsed)) return parsed;
  for (const name in parsed) if (typeof parsed[name] === "object") parsed[name] = null;
  return parsed;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
