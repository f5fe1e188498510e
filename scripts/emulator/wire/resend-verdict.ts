import { endpoints } from "../../client/endpoints.ts";
import type { ResendAnswer, ResendRequest, WireCall } from "../api/wire-api.ts";
import type { Held } from "./witness.ts";

type Verdict = Omit<ResendAnswer, "call">;

/** What the site held before and after a set was sent again; `null` = unknown. */
export interface Observed {
  readonly before: Held | null;
  readonly after: Held | null;
}

/** The statuses of a refusal. 404 is not one of them, because the site has looked the user up. */
const refusals: ReadonlySet<number> = new Set([400, 401, 403, 409]);
const postponements: ReadonlySet<number> = new Set([429, 503]);

export function judgeResent(
  as: ResendRequest["as"],
  original: WireCall,
  { answer, failure }: WireCall,
  observed: Observed,
): Verdict {
  if (answer === null) return { holds: false, verdict: `No answer came. ${failure}` };
  const { status } = answer;
  if (refusals.has(status)) return { holds: true, verdict: `Refused with ${status}. ${why[as]}` };
  if (postponements.has(status))
    return { holds: true, verdict: `Not done: the site answered ${status}. ${why[as]}` };
  if (as === "replayed" && status === original.answer?.status) {
    if (original.endpoint === endpoints.get) return { holds: true, verdict: readAgain };
    if (original.endpoint === endpoints.set) return judgeRepeatedSet(observed);
  }
  return { holds: false, verdict: `The site answered ${status}, but should have refused this. ${why[as]}` };
}

function judgeRepeatedSet({ before, after }: Observed): Verdict {
  if (before === "the sent value") return { holds: true, verdict: nothingToSee };
  if (after === "another value") return { holds: true, verdict: notWritten };
  if (after === "the sent value") return { holds: false, verdict: writtenAgain };
  return { holds: false, verdict: "Answered as before, but the site does not tell what it holds now." };
}

const why: Readonly<Record<ResendRequest["as"], string>> = {
  altered: "The signature covers every byte of the body, so it does not hold for another body.",
  expired: "The signature is right, but its timestamp is more than a minute old.",
  replayed: "The signature has been used: whoever copied the request must not be able to use it again.",
  elsewhere:
    "OwnID does not sign the path, so the site has to remember for which endpoint a signature was used first.",
};

const readAgain =
  "Answered again: reading twice changes nothing, so a copy of a lookup is answered for as long as its signature is valid.";
const notWritten =
  "Answered as before, without writing again: a copy of an older request does not bring an old device list back.";
const writtenAgain =
  "Written again: a copy of an older request has brought an old device list back, perhaps with a removed device.";
const nothingToSee =
  "Answered as before. The list is still the one that this call wrote, so nothing shows whether it was written again: change the devices first, then send it again.";
