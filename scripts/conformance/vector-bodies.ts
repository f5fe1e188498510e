/** The bytes of a request body. `repeat` is a text that is repeated `times` times. */
export type VectorBody =
  | { readonly text: string }
  | { readonly base64: string }
  | { readonly repeat: string; readonly times: number };

export function bytesOfBody(body: VectorBody): Uint8Array {
  if ("text" in body) return new TextEncoder().encode(body.text);
  if ("base64" in body) return new Uint8Array(Buffer.from(body.base64, "base64"));
  return new TextEncoder().encode(body.repeat.repeat(body.times));
}

/** The bodies that are signed in the vectors, and the reason for each. */
export const vectorBodies: Readonly<Record<string, VectorBody & { readonly reason: string }>> = {
  "first-example": { text: '{"loginId":"sol@testmail.com"}', reason: "The contract's first example." },
  "second-example": {
    base64: "eyJsb2dpbklkIjoiem/Dq0BleMOkbXBsZS5jb20iLCJvd25JZERhdGEiOiJ7XCJhXCI6XCLDqS/igKhcIn0ifQ==",
    reason: "The contract's second example: letters outside ASCII and a literal U+2028.",
  },
  empty: { text: "", reason: "An empty body is signed, too." },
  "one-byte": { text: "x", reason: "The body is no JSON: a verifier does not parse it." },
  "one-dot": { text: ".", reason: "The body is the separator itself." },
  "dots-like-a-timestamp": {
    text: '{"loginId":"a.b.c"}.1700000000000.',
    reason: "Body and timestamp are not split at a dot.",
  },
  set: {
    text: '{"loginId":"sol@testmail.com","ownIdData":"{\\"devices\\":[]}"}',
    reason: "A set, whose data is JSON within JSON.",
  },
  session: { text: '{"loginId":"sol@testmail.com","sessionType":"mobile"}', reason: "A session request." },
  "odd-whitespace": {
    text: ' {\n\t"loginId" :\r\n  "sol@testmail.com"  }\n ',
    reason: "White space is signed as it is.",
  },
  "other-member-order": {
    text: '{"sessionType":"browser","loginId":"sol@testmail.com"}',
    reason: "The order of the members is signed as it is.",
  },
  escapes: {
    text: '{"loginId":"sol\\/@testmail.com","x":"\\u00e9"}',
    reason: "Escapes are signed as they are; a JSON encoder would write others.",
  },
  umlauts: { text: '{"loginId":"zoë@exämple.com"}', reason: "UTF-8 is signed, not Latin-1." },
  "combining-accent": {
    text: '{"loginId":"zoe\u0308@example.com"}',
    reason: "Unicode is not normalised before it is verified.",
  },
  "other-scripts": {
    text: '{"loginId":"Ωμέγα@παράδειγμα.ελ","x":"日本語 עברית हिन्दी"}',
    reason: "Letters of two and three bytes.",
  },
  "line-separators": {
    text: '{"loginId":"a","ownIdData":"\u2028\u2029"}',
    reason: "JSON allows U+2028 and U+2029 unescaped; some encoders escape them.",
  },
  emoji: { text: '{"loginId":"a","ownIdData":"😀👩‍👩‍👧‍👦🏳️‍🌈"}', reason: "Characters of four bytes." },
  "byte-order-mark": { text: '\ufeff{"loginId":"a"}', reason: "A byte order mark is part of the body." },
  "invalid-utf-8": {
    base64: "eyJsb2dpbklkIjoi//6AwIDtoIAifQ==",
    reason: "Bytes that are no UTF-8 are verified as they are, not replaced.",
  },
  "cut-off-utf-8": { base64: "eyJsb2dpbklkIjoi8J+Y", reason: "The body ends within a character." },
  "every-byte": {
    base64: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("base64"),
    reason: "Each byte value once.",
  },
  "nul-bytes": { base64: "AAAAAAAAAAA=", reason: "A NUL does not end the body." },
  "one-block": { repeat: "a", times: 64, reason: "Exactly one block of SHA-256." },
  "60-kilobytes": {
    repeat: '{"ownIdData":"é😀\u2028"},',
    times: 2500,
    reason: "A large body, which a server may read in parts.",
  },
  "100000-zero-bytes": { repeat: "\0", times: 100_000, reason: "A large body of zero bytes." },
};
