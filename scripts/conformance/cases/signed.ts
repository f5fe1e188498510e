import type { SignedRequest } from "../../client/signed-client.ts";
import { expectAccepted, expectRefused, expectStored, store } from "../answers.ts";
import { type Case, examineEach, type Level, NotJudged } from "../case.ts";
import { type Site, withHeaders, withoutHeader } from "../site.ts";
import { rawHint, verifyHint, windowHint } from "./signed-hints.ts";
import { refusals } from "./signed-refusals.ts";

/** The ways in which a request loses its valid signature. */
const unsign: readonly ((request: SignedRequest) => SignedRequest)[] = [
  (request) => withoutHeader(request, "ownid-signature"),
  (request) => withHeaders(request, { "ownid-signature": Buffer.alloc(32).toString("base64") }),
];

/** Looks up a login id that no user has, so that the answer does not depend on how data is returned. */
function lookUpStranger(site: Site, ageMs = 0): SignedRequest {
  return site.request("get", { loginId: site.newStranger() }, ageMs);
}

export const signedCases: readonly Case[] = [
  accepts("valid", "must", "A rightly signed request is accepted.", verifyHint, lookUpStranger),
  accepts("45-seconds-old", "must", "A timestamp that is 45 seconds old is accepted.", windowHint, (site) =>
    lookUpStranger(site, 45_000),
  ),
  accepts(
    "45-seconds-ahead",
    "must",
    "A timestamp that is 45 seconds ahead is accepted.",
    windowHint,
    (site) => lookUpStranger(site, -45_000),
  ),
  accepts(
    "non-ascii",
    "must",
    "The bytes of the body are signed: letters outside ASCII and the line separator U+2028 are accepted in it.",
    rawHint,
    () => '{"loginId":"zoë-\u2028-😀@exämple.com"}',
  ),
  accepts(
    "raw-bytes",
    "should",
    "The raw bytes are signed: spaces, escapes and the order of the members are left as they are.",
    rawHint,
    (site) => ` {\r\n\t"extra" : "\\u00e9\\/" ,"loginId":${JSON.stringify(site.newStranger())} } \n`,
  ),
  {
    id: "signed-accepts-second-secret",
    level: "may",
    contract: "While one Shared Secret replaces another, both are accepted.",
    hint: "Keep a list of secrets, and try each of them.",
    run: async (site) => {
      if (site.secondSecret === null)
        throw new NotJudged("OWNID_SHARED_SECRET names one secret here, not two.");
      expectAccepted(await site.send(site.signWith(lookUpStranger(site), site.secondSecret)));
    },
  },
  ...refusals.map(
    ({ spoil, ...stated }): Case => ({
      ...stated,
      run: async (site) => expectRefused(await site.send(spoil(site))),
    }),
  ),
  {
    id: "signed-refuses-set",
    level: "must",
    contract: "A set without a valid signature is refused with 401, and nothing is written.",
    hint: verifyHint,
    writes: true,
    run: async (site) => {
      const before = await store(site);
      await examineEach(unsign, async (spoil) => {
        const request = site.request("set", { loginId: site.user, ownIdData: site.newValue() });
        expectRefused(await site.send(spoil(request)));
      });
      await expectStored(site, before);
    },
  },
  {
    id: "signed-refuses-session",
    level: "must",
    contract: "A session request without a valid signature is refused with 401, and no session is answered.",
    hint: `${verifyHint} Whoever gets a session here is logged in as that user.`,
    run: async (site) => {
      await examineEach(unsign, async (spoil) => {
        const request = site.logIn();
        expectRefused(await site.send(spoil(request)));
      });
    },
  },
];

function accepts(
  name: string,
  level: Level,
  contract: string,
  hint: string,
  make: (site: Site) => SignedRequest | string,
): Case {
  return {
    id: `signed-accepts-${name}`,
    level,
    contract,
    hint,
    run: async (site) => {
      const made = make(site);
      expectAccepted(await site.send(typeof made === "string" ? site.request("get", made) : made));
    },
  };
}
