import { Elysia } from "elysia";
import type { Logger } from "../../logger.ts";
import { type LoginIdCase, parseLoginId } from "../../protocol/login-id.ts";
import { Empty, SetOwnIdDataRequest } from "../../protocol/messages.ts";
import { parseOwnIdData } from "../../protocol/ownid-data.ts";
import type { OwnIdDataStore } from "../../store/ownid-data-store.ts";
import { failureResponses } from "../problem.ts";
import type { SignedBody } from "../signed-body.ts";

export interface SetOwnIdDataOptions {
  readonly signed: SignedBody;
  readonly store: OwnIdDataStore;
  readonly loginIdCase: LoginIdCase;
  readonly logger: Logger;
}

/** Replaces what OwnID keeps with a user. 204: the primary database has committed it. */
export function setOwnIdDataByLoginId({ signed, store, loginIdCase, logger }: SetOwnIdDataOptions) {
  return new Elysia().use(signed).post(
    "/setOwnIDDataByLoginId",
    async ({ body, set, status }) => {
      await store.set(parseLoginId(body.loginId, loginIdCase), parseOwnIdData(body.ownIdData));
      logger.info({ requestId: set.headers["x-request-id"] }, "ownIdData written");
      return status(204, undefined);
    },
    {
      parse: ["signed-json", "json"],
      body: SetOwnIdDataRequest,
      response: { 204: Empty, ...failureResponses },
    },
  );
}
