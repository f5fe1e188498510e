import type { Action } from "../../client/endpoints.ts";
import type { SignedRequest } from "../../client/signed-client.ts";
import { expectAccepted, expectRefused, expectStored } from "../answers.ts";
import { type Case, Deviation, examineEach, type Level, NotJudged } from "../case.ts";
import { type Site, withBody, withHeaders, withoutHeader } from "../site.ts";

const windowHint =
  "Compare the timestamp, in milliseconds, with your clock: refuse more than 60 s in either direction. Check the clocks.";
const rawHint =
  "Compute the HMAC over the bytes of the body as they were received, before any JSON parser has seen them.";
const strictHint =
  "Compare the whole MAC in constant time, and accept one spelling: the base64 of exactly 32 bytes, with padding.";
const verifyHint =
  'Verify base64(HMAC-SHA256(base64-decoded Shared Secret, body + "." + timestamp)) on every request. ' +
  "scripts/conformance/vectors.json has examples.";

interface Refusal {
  readonly id: string;
  readonly level: Level;
  readonly contract: string;
  readonly hint: string;
  /** Spoils a lookup of the test user. */
  readonly spoil: (site: Site) => SignedRequest;
}

const lookUp = (site: Site, ageMs = 0) => site.request("get", { loginId: site.user }, ageMs);

/** The lookup with its signature respelt. */
function respelt(respell: (signature: string) => string): (site: Site) => SignedRequest {
  return (site) => {
    const request = lookUp(site);
    return withHeaders(request, { "ownid-signature": respell(signatureOf(request)) });
  };
}

const refusals: readonly Refusal[] = [
  {
    id: "signed-refuses-no-signature",
    level: "must",
    contract: "A request without the header ownid-signature is refused with 401.",
    hint: verifyHint,
    spoil: (site) => withoutHeader(lookUp(site), "ownid-signature"),
  },
  {
    id: "signed-refuses-no-timestamp",
    level: "must",
    contract: "A request without the header ownid-timestamp is refused with 401.",
    hint: verifyHint,
    spoil: (site) => withoutHeader(lookUp(site), "ownid-timestamp"),
  },
  {
    id: "signed-refuses-empty-signature",
    level: "must",
    contract: "An empty signature is refused with 401.",
    hint: strictHint,
    spoil: respelt(() => ""),
  },
  {
    id: "signed-refuses-other-secret",
    level: "must",
    contract: "A request that was signed with another secret is refused with 401.",
    hint: verifyHint,
    spoil: (site) => site.signWith(lookUp(site), crypto.getRandomValues(new Uint8Array(32))),
  },
  {
    id: "signed-refuses-empty-secret",
    level: "must",
    contract: "A request that was signed with an empty secret is refused with 401.",
    hint: "End the start where the Shared Secret is missing: an unset variable must not become an empty key.",
    spoil: (site) => site.signWith(lookUp(site), new Uint8Array()),
  },
  {
    id: "signed-refuses-altered-body",
    level: "must",
    contract: "A body that was altered after it was signed is refused with 401.",
    hint: verifyHint,
    spoil: (site) => withBody(lookUp(site), JSON.stringify({ loginId: site.user, altered: true })),
  },
  {
    id: "signed-refuses-altered-timestamp",
    level: "must",
    contract: "The timestamp is part of what is signed: a later one is refused with 401.",
    hint: 'Sign the body, a dot and the header\'s text together: body + "." + timestamp.',
    spoil: (site) => {
      const request = lookUp(site, 30_000);
      return withHeaders(request, { "ownid-timestamp": String(Date.now()) });
    },
  },
  ...(
    [
      ["old", 65_000, "65 seconds old"],
      ["day-old", 86_400_000, "a day old"],
      ["future", -65_000, "65 seconds ahead"],
    ] as const
  ).map(
    ([name, ageMs, words]): Refusal => ({
      id: `signed-refuses-${name}`,
      level: "must",
      contract: `A rightly signed request whose timestamp is ${words} is refused with 401.`,
      hint: windowHint,
      spoil: (site) => lookUp(site, ageMs),
    }),
  ),
  {
    id: "signed-refuses-seconds",
    level: "must",
    contract:
      "The timestamp is in milliseconds: one in seconds is from January 1970, and is refused with 401.",
    hint: windowHint,
    spoil: (site) => lookUp(site, Date.now() - Math.floor(Date.now() / 1000)),
  },
  {
    id: "signed-refuses-truncated",
    level: "must",
    contract: "A part of the right signature is refused with 401.",
    hint: strictHint,
    spoil: respelt((signature) => signature.slice(0, 20)),
  },
  {
    id: "signed-refuses-hexadecimal",
    level: "should",
    contract: "The signature is base64: the same MAC in hexadecimal is refused with 401.",
    hint: strictHint,
    spoil: respelt((signature) => Buffer.from(signature, "base64").toString("hex")),
  },
  {
    id: "signed-refuses-respelt",
    level: "should",
    contract:
      "One signature has one spelling: another text that decodes to the same bytes is refused with 401.",
    hint: `${strictHint} The last letter of 32 bytes carries two spare bits, which must be zero.`,
    spoil: respelt(withSpareBits),
  },
  {
    id: "signed-refuses-repeated-header",
    level: "should",
    contract: "A request with two signatures in its header is refused with 401.",
    hint: strictHint,
    spoil: respelt((signature) => `${signature}, ${signature}`),
  },
  {
    id: "signed-refuses-reformatted-body",
    level: "should",
    contract: "What is signed are the raw bytes: the same JSON with other spaces is refused with 401.",
    hint: rawHint,
    spoil: (site) => withBody(lookUp(site), `{ "loginId": ${JSON.stringify(site.user)} }`),
  },
];

/** Requests that must not do anything without a valid signature, each with what would show that it did. */
const unsignedWrites: readonly (readonly [name: string, spoil: (request: SignedRequest) => SignedRequest])[] =
  [
    ["unsigned", (request) => withoutHeader(request, "ownid-signature")],
    ["forged", (request) => withHeaders(request, { "ownid-signature": Buffer.alloc(32).toString("base64") })],
  ];

export const signedCases: readonly Case[] = [
  accepts("valid", "must", "A rightly signed request is accepted.", verifyHint, (site) => lookUp(site)),
  accepts("45-seconds-old", "must", "A timestamp that is 45 seconds old is accepted.", windowHint, (site) =>
    lookUp(site, 45_000),
  ),
  accepts(
    "45-seconds-ahead",
    "must",
    "A timestamp that is 45 seconds ahead is accepted.",
    windowHint,
    (site) => lookUp(site, -45_000),
  ),
  accepts(
    "non-ascii",
    "must",
    "What is signed are the bytes: letters outside ASCII and the line separator U+2028 are accepted in the body.",
    rawHint,
    () => '{"loginId":"zoë-\u2028-😀@exämple.com"}',
  ),
  accepts(
    "raw-bytes",
    "should",
    "What is signed are the raw bytes: spaces, escapes and the order of the members are left as they are.",
    rawHint,
    (site) => ` {\r\n\t"extra" : "\\u00e9\\/" ,"loginId":${JSON.stringify(site.user)} } \n`,
  ),
  {
    id: "signed-accepts-second-secret",
    level: "may",
    contract: "While one Shared Secret replaces another, both are accepted.",
    hint: "Keep a list of secrets, and try each of them.",
    run: async (site) => {
      if (site.secondSecret === null)
        throw new NotJudged("OWNID_SHARED_SECRET names one secret here, not two.");
      expectAccepted(await site.send(site.signWith(lookUp(site), site.secondSecret)));
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
      const before = site.newValue();
      await site.set(before);
      await examineEach(unsignedWrites, async ([, spoil]) => {
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
      await examineEach(unsignedWrites, async ([, spoil]) => {
        const request = site.request("session", { loginId: site.user, sessionType: "browser" });
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
      expectAccepted(
        await site.send(typeof made === "string" ? site.request("get" satisfies Action, made) : made),
      );
    },
  };
}

function signatureOf({ headers }: SignedRequest): string {
  const signature = headers["ownid-signature"];
  if (signature === undefined) throw new Deviation("the request has no signature");
  return signature;
}

/** Sets the lowest of the two spare bits in the 43rd character. */
function withSpareBits(signature: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const last = letters[letters.indexOf(signature.charAt(42)) + 1];
  return `${signature.slice(0, 42)}${last}=`;
}
