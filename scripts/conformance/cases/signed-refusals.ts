import type { SignedRequest } from "../../client/signed-client.ts";
import type { Level } from "../case.ts";
import { type Site, withBody, withHeaders, withoutHeader } from "../site.ts";
import { rawHint, strictHint, verifyHint, windowHint } from "./signed-hints.ts";

export interface Refusal {
  readonly id: string;
  readonly level: Level;
  readonly contract: string;
  readonly hint: string;
  /** Returns a lookup of the test user that is spoilt. */
  readonly spoil: (site: Site) => SignedRequest;
}

/** Returns a function that looks the test user up with another spelling of the signature. */
function respelt(respell: (signature: string) => string): (site: Site) => SignedRequest {
  return (site) => {
    const request = site.lookUp();
    return withHeaders(request, { "ownid-signature": respell(signatureOf(request)) });
  };
}

/** Lookups that are each spoilt in one way. */
export const refusals: readonly Refusal[] = [
  {
    id: "signed-refuses-no-signature",
    level: "must",
    contract: "A request without the header ownid-signature is refused with 401.",
    hint: verifyHint,
    spoil: (site) => withoutHeader(site.lookUp(), "ownid-signature"),
  },
  {
    id: "signed-refuses-no-timestamp",
    level: "must",
    contract: "A request without the header ownid-timestamp is refused with 401.",
    hint: verifyHint,
    spoil: (site) => withoutHeader(site.lookUp(), "ownid-timestamp"),
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
    spoil: (site) => site.signWith(site.lookUp(), crypto.getRandomValues(new Uint8Array(32))),
  },
  {
    id: "signed-refuses-empty-secret",
    level: "must",
    contract: "A request that was signed with an empty secret is refused with 401.",
    hint: "End the start where the Shared Secret is missing: an unset variable must not become an empty key.",
    spoil: (site) => site.signWith(site.lookUp(), new Uint8Array()),
  },
  {
    id: "signed-refuses-altered-body",
    level: "must",
    contract: "A body that was altered after it was signed is refused with 401.",
    hint: verifyHint,
    spoil: (site) => withBody(site.lookUp(), JSON.stringify({ loginId: site.user, altered: true })),
  },
  {
    id: "signed-refuses-altered-timestamp",
    level: "must",
    contract: "The timestamp is part of what is signed: a later one is refused with 401.",
    hint: 'Sign the body, a dot and the header\'s text together: body + "." + timestamp.',
    spoil: (site) => {
      const request = site.lookUp(30_000);
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
      spoil: (site) => site.lookUp(ageMs),
    }),
  ),
  {
    id: "signed-refuses-seconds",
    level: "must",
    contract:
      "The timestamp is in milliseconds: one in seconds is from January 1970, and is refused with 401.",
    hint: windowHint,
    spoil: (site) => site.lookUp(Date.now() - Math.floor(Date.now() / 1000)),
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
    contract: "The raw bytes are signed: the same JSON with other spaces is refused with 401.",
    hint: rawHint,
    spoil: (site) => withBody(site.lookUp(), `{ "loginId": ${JSON.stringify(site.user)} }`),
  },
];

function signatureOf({ headers }: SignedRequest): string {
  const signature = headers["ownid-signature"];
  if (signature === undefined) throw new Error("the request has no signature");
  return signature;
}

/** Sets the lowest of the two spare bits in the 43rd character. */
function withSpareBits(signature: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const last = letters[letters.indexOf(signature.charAt(42)) + 1];
  return `${signature.slice(0, 42)}${last}=`;
}
