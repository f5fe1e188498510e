import { endpoints } from "../../client/endpoints.ts";
import type { ResendAnswer, ResendRequest, WireCall } from "../api/wire-api.ts";
import { createSignedMessage, messageOf, type SignedMessage } from "./signed-message.ts";
import type { Wire } from "./wire.ts";

/** Twice the time for which the contract lets a signature hold. */
const expiredMs = 120_000;

export type Resending = Pick<Wire, "baseUrl" | "sharedSecret" | "send">;

/** Sends a call of the log again, in a way that the site has to refuse or must not act upon, and judges its answer. */
export async function resend(
  call: WireCall,
  { as }: ResendRequest,
  context: Resending,
): Promise<ResendAnswer> {
  const message = variants[as](call, context);
  const sent = await context.send({
    message,
    reason: `call ${call.id}, sent again`,
    spoilt: as,
    resends: call.id,
  });
  return { call: sent, ...judge(as, call, sent) };
}

const variants: Readonly<Record<ResendRequest["as"], (call: WireCall, context: Resending) => SignedMessage>> =
  {
    altered: ({ endpoint, request }) => messageOf(endpoint, { ...request, body: alter(request.body) }),
    expired: ({ endpoint, request }, { baseUrl, sharedSecret }) =>
      createSignedMessage({
        baseUrl,
        endpoint,
        body: request.body,
        timestamp: String(Date.now() - expiredMs),
        sharedSecret,
      }),
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

function judge(as: ResendRequest["as"], original: WireCall, sent: WireCall): Omit<ResendAnswer, "call"> {
  if (sent.answer === null) return { holds: false, verdict: `No answer came. ${sent.failure}` };
  const { status } = sent.answer;
  if (status >= 400 && status < 500) return { holds: true, verdict: `Refused with ${status}. ${why[as]}` };
  if (
    as === "replayed" &&
    status === original.answer?.status &&
    original.endpoint !== "getSessionByLoginId"
  ) {
    return { holds: true, verdict: repeated[original.endpoint] };
  }
  if (status === 503) return { holds: true, verdict: `Not done: the site answered 503. ${why[as]}` };
  return { holds: false, verdict: `The site answered ${status}, but it should refuse this. ${why[as]}` };
}

const why: Readonly<Record<ResendRequest["as"], string>> = {
  altered: "The signature covers every byte of the body, so it does not hold for another body.",
  expired: "The signature is right, but its timestamp is more than a minute old.",
  replayed: "The signature has been used: whoever copied the request cannot use it again.",
  elsewhere:
    "OwnID does not sign the path, so the site has to remember for which endpoint a signature was used first.",
};

const repeated = {
  setOwnIDDataByLoginId:
    "Answered as before, without writing again: a copy of an older request cannot bring an old device list back.",
  getOwnIDDataByLoginId:
    "Answered again: reading twice changes nothing, so a copy of a lookup is answered for as long as its signature is valid.",
} as const;
