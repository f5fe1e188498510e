import { endpoints } from "../../client/endpoints.ts";
import type { ResendAnswer, ResendRequest, WireCall } from "../api/wire-api.ts";
import { judgeResent } from "./resend-verdict.ts";
import { createSignedMessage, messageOf, type SignedMessage } from "./signed-message.ts";
import type { Wire } from "./wire.ts";
import { createWitness } from "./witness.ts";

/** Twice the time for which a signature is valid. */
const expiredMs = 120_000;

/**
 * Sends a call of the log again in a way that the site must refuse or must not act upon, and judges the answer. Before
 * and after an unchanged set, it reads what the site holds, because the answer alone does not show whether the site has
 * written again.
 */
export async function resend(call: WireCall, { as }: ResendRequest, wire: Wire): Promise<ResendAnswer> {
  const witness = as === "replayed" ? createWitness(call, wire) : null;
  const before = (await witness?.look("before")) ?? null;
  const sent = await wire.send({
    message: variants[as](call, wire),
    reason: `call ${call.id}, sent again`,
    fault: as,
    resends: call.id,
  });
  const after = (await witness?.look("after")) ?? null;
  return { call: sent, ...judgeResent(as, call, sent, { before, after }) };
}

type Variant = (call: WireCall, wire: Wire) => SignedMessage;

const variants: Readonly<Record<ResendRequest["as"], Variant>> = {
  altered: ({ endpoint, request }) => messageOf(endpoint, { ...request, body: alter(request.body) }),
  expired: ({ endpoint, request: { body } }, { baseUrl, sharedSecret }) => {
    const timestamp = String(Date.now() - expiredMs);
    return createSignedMessage({ baseUrl, endpoint, body, timestamp, sharedSecret });
  },
  replayed: ({ endpoint, request }) => messageOf(endpoint, request),
  elsewhere({ endpoint, request }, { baseUrl }) {
    const other = endpoint === endpoints.session ? endpoints.get : endpoints.session;
    return messageOf(other, { ...request, url: `${baseUrl}/${other}` });
  },
};

/** Changes one letter of the login id, so that the body stays valid for the endpoint. */
function alter(body: string): string {
  return body.replace(
    /("loginId":")(.)/,
    (_match, start: string, letter: string) => `${start}${letter === "x" ? "y" : "x"}`,
  );
}
