import { Elysia } from "elysia";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import { Empty, GetOwnIdDataRequest, OwnIdDataResponse } from "../../protocol/messages.ts";
import type { OwnIdDataStore } from "../../store/ownid-data-store.ts";
import { failureResponses } from "../problem.ts";
import type { SignedBody } from "../signed-body.ts";

export interface GetOwnIdDataOptions {
  readonly signed: SignedBody;
  readonly store: OwnIdDataStore;
  readonly loginIdCase: LoginIdCase;
}

/** The hot path: what OwnID keeps with a user, 204 when that is nothing. */
export function getOwnIdDataByLoginId({ signed, store, loginIdCase }: GetOwnIdDataOptions) {
  return new Elysia().use(signed).post(
    "/getOwnIDDataByLoginId",
    async ({ body, status }) => {
      const ownIdData = await store.get(parseLoginId(body.loginId, loginIdCase));
      return ownIdData === null ? status(204, undefined) : { ownIdData };
    },
    {
      parse: ["signed-json", "json"],
      body: GetOwnIdDataRequest,
      response: { 200: OwnIdDataResponse, 204: Empty, ...failureResponses },
    },
  );
}
