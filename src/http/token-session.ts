import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

const Claims = Type.Object({ sid: Type.String() });
const Answer = Type.Object({ token: Type.String() });

/** The session of a token, by its `sid`; empty where there is none. */
export type SessionOfToken = { readonly sid?: string };

/** Reads the session from a token that this sidecar has just issued. The signature is not verified. */
export function sessionOfToken(token: string): SessionOfToken {
  const [, payload = ""] = token.split(".");
  const claims = parse(Buffer.from(payload, "base64url").toString());
  return Value.Check(Claims, claims) ? { sid: claims.sid } : {};
}

/** Does the same for the answer to a session request, `{"token":"…"}`. */
export function sessionOfAnswer(text: string): SessionOfToken {
  const answer = parse(text);
  return Value.Check(Answer, answer) ? sessionOfToken(answer.token) : {};
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
