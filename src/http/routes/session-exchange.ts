import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { Logger } from "../../process/logger.ts";
import type { Sessions } from "../../sessions/sessions.ts";
import { audited } from "../audited.ts";
import type { BearerGuard } from "../bearer-token.ts";
import { requestIdOf } from "../request-id.ts";
import { TokenForm, tokenForm } from "../token-form.ts";

export interface SessionExchangeOptions {
  readonly backend: BearerGuard;
  readonly sessions: Pick<Sessions, "exchange">;
  readonly bodyBytesMax: number;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

const SessionToken = Type.Object({ token: Type.String() });

/** `POST /session/exchange`: gives the site's backend the session token for a hand-off token, once. */
export function sessionExchange({ backend, sessions, bodyBytesMax, audit, logger }: SessionExchangeOptions) {
  return new Elysia()
    .use(backend.beforeBody)
    .use(tokenForm(bodyBytesMax))
    .post(
      "/session/exchange",
      async ({ body, set }) => {
        const requestId = requestIdOf(set);
        const entry = { event: "exchange", actor: "backend", requestId } as const;
        const exchange = () => sessions.exchange(body.token);
        const { token } = await audited(audit, entry, exchange, ({ sid }) => ({ sid }));
        logger.info({ requestId }, "hand-off token exchanged");
        return { token };
      },
      { parse: "urlencoded", body: TokenForm, response: { 200: SessionToken } },
    );
}
