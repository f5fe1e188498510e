import { endpoints } from "../../client/endpoints.ts";
import type { ResendAnswer, ResendRequest, WireCall } from "../api/wire-api.ts";
import { judgeResent } from "./resend-verdict.ts";
import { createSignedMessage, messageOf, type SignedMessage } from "./signed-message.ts";
import type { Wire } from "./wire.ts";
import { createWitness } from "./witness.ts";

/** Twice the time for which the contract lets a signature hold. */
const expiredMs = 120_000;

/**
 * Sends a call of the log again, in a way that the site has to refuse or must not act upon, and judges its answer.
 * Around a set that is sent again unchanged, the site is asked what it holds, since the answer alone does not show
 * whether it has written.
 */
export async function resend(call: WireCall, { as }: ResendRequest, wire: Wire): Promise<ResendAnswer> {
  const witness = as === "replayed" ? createWitness(call, wire) : null;
  const before = (await witness?.look("before")) ?? null;
  const sent = await wire.send({
    message: variants[as](call, wire),
    reason: `call ${call.id}, sent again`,
    spoilt: as,
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

/** Another login id of the same length, so that the body stays what the endpoint takes. */
function alter(body: string): string {
  return body.replace(
    /("loginId":")(.)/,
    (_match, start: string, letter: string) => `${start}${letter === "x" ? "y" : "x"}`,
  );
}
