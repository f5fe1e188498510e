import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { OwnIdDataStore } from "../../coherence/ownid-data-store.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import type { BearerGuard } from "../bearer-token.ts";
import { parseJson, readJsonBody } from "../json-body.ts";

export interface AdminInvalidateOptions {
  readonly store: OwnIdDataStore;
  readonly loginIdCase: LoginIdCase;
  readonly admin: BearerGuard;
  readonly bodyBytesMax: number;
}

const nothingElse = { additionalProperties: false };
const one = Type.Object({ loginId: Type.String({ minLength: 1 }) }, nothingElse);
const all = Type.Object({ all: Type.Literal(true) }, nothingElse);
const oneOrAll = Type.Union([one, all], { "x-problem": 'Send {"loginId":"…"} or {"all":true}.' });

/**
 * `POST /admin/invalidate`: the site calls it after it has changed rows itself or restored its database. Redis then
 * no longer holds what it knew of them.
 */
export function adminInvalidate({ store, loginIdCase, admin, bodyBytesMax }: AdminInvalidateOptions) {
  return new Elysia()
    .use(admin.beforeBody)
    .decorate("readBody", async ({ request }: { readonly request: Request }) =>
      parseJson(await readJsonBody(request, bodyBytesMax)),
    )
    .post(
      "/admin/invalidate",
      async ({ body, status }) => {
        if ("loginId" in body) await store.invalidate(parseLoginId(body.loginId, loginIdCase));
        else await store.invalidateAll();
        return status(204, undefined);
      },
      { parse: "json", body: oneOrAll, response: { 204: Type.Void() } },
    );
}
