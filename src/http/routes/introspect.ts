import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Sessions } from "../../sessions/sessions.ts";
import type { BearerGuard } from "../bearer-token.ts";
import { TokenForm, tokenForm } from "../token-form.ts";

export interface IntrospectOptions {
  readonly backend: BearerGuard;
  readonly sessions: Pick<Sessions, "find">;
  readonly bodyBytesMax: number;
}

/** RFC 7662, section 2.2. The answer reveals nothing about a token that is not active. */
const Introspection = Type.Union([
  Type.Object(
    {
      active: Type.Literal(true),
      iss: Type.String(),
      aud: Type.String(),
      sub: Type.String(),
      iat: Type.Integer(),
      nbf: Type.Integer(),
      exp: Type.Integer(),
      jti: Type.String(),
      sid: Type.String(),
      lid: Type.Optional(Type.String()),
      session_type: Type.Optional(Type.String()),
    },
    { additionalProperties: true },
  ),
  Type.Object({ active: Type.Literal(false) }),
]);

/** `POST /introspect`: tells the site's backend whether a session token is active and, if it is, its claims. */
export function introspect({ backend, sessions, bodyBytesMax }: IntrospectOptions) {
  return new Elysia()
    .use(backend.beforeBody)
    .use(tokenForm(bodyBytesMax))
    .post(
      "/introspect",
      async ({ body }) => {
        const claims = await sessions.find(body.token);
        return claims === null ? { active: false as const } : { active: true as const, ...claims };
      },
      { parse: "urlencoded", body: TokenForm, response: { 200: Introspection } },
    );
}
