import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { endpoints } from "../../client/endpoints.ts";
import { parseJson } from "../../parse-json.ts";
import type { WireCall } from "../api/wire-api.ts";
import { createSignedMessage } from "./signed-message.ts";
import type { Wire } from "./wire.ts";

/** What the site holds for a user, compared with the value of a set. */
export type Held = "the sent value" | "another value";

/** Reads what the site holds. */
export interface Witness {
  /** Returns `null` if the site does not answer the lookup. */
  look(when: "before" | "after"): Promise<Held | null>;
}

const SetBody = Type.Object({ loginId: Type.String(), ownIdData: Type.String() });
const GetAnswer = Type.Object({ ownIdData: Type.String() });

/** Returns `null` if the call was not a set. */
export function createWitness(
  { id, endpoint, request }: WireCall,
  { baseUrl, sharedSecret, send, now }: Wire,
): Witness | null {
  const content: unknown = endpoint === endpoints.set ? parseJson(request.body) : null;
  if (!Value.Check(SetBody, content)) return null;
  const { loginId, ownIdData } = content;

  return {
    async look(when) {
      const message = createSignedMessage({
        baseUrl,
        endpoint: endpoints.get,
        body: JSON.stringify({ loginId }),
        timestamp: String(now()),
        sharedSecret,
      });
      const { answer } = await send({ message, reason: `what does the site hold ${when} call ${id} again?` });
      if (answer?.status === 204) return ownIdData === "" ? "the sent value" : "another value";
      const held: unknown = answer?.status === 200 ? parseJson(answer.body) : null;
      if (!Value.Check(GetAnswer, held)) return null;
      return held.ownIdData === ownIdData ? "the sent value" : "another value";
    },
  };
}
