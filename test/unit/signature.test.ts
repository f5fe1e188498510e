import { describe, expect, test } from "bun:test";
import { macOf } from "../../scripts/client/signed-client.ts";
import type { SignatureVector } from "../../scripts/conformance/make-vectors.ts";
import { bytesOfBody } from "../../scripts/conformance/vector-bodies.ts";
import published from "../../scripts/conformance/vectors.json";
import { SignatureInvalid } from "../../src/errors.ts";
import {
  createSignatureVerifier,
  type SignatureRules,
  type SignedMessage,
  signMessage,
} from "../../src/protocol/signature.ts";

interface Vector extends SignedMessage {
  readonly name: string;
  readonly secret: Uint8Array;
  readonly signature: string;
  readonly timestamp: string;
}

const all: readonly SignatureVector[] = published.vectors;
const vectors = all.filter(({ valid, timestamp, now }) => valid && Number(timestamp) === now).map(vectorOf);
const [sample] = vectors.filter(({ name }) => name === "first-example-sample");
if (sample === undefined) throw new Error("the published vectors lack the contract's first example");

describe("vectors computed by OpenSSL", () => {
  test("there are more than a hundred, the protocol's two among them", () => {
    expect(vectors.length).toBeGreaterThan(120);
    expect(vectors.map(({ signature }) => signature)).toContain(
      "kzjqTDXAhrqXiqk4NWSvYLTWvyUNajC7/Z7U+LRvOas=",
    );
    expect(vectors.map(({ signature }) => signature)).toContain(
      "gHj01ENZmrYrJAp38EdgAeAX6SIKBlWYijTdf10Wxrg=",
    );
    expect(Buffer.from(sample.body).toString()).toBe('{"loginId":"sol@testmail.com"}');
    expect(sample.timestamp).toBe("1700000000000");
  });

  test("each one verifies, and the verifier answers the MAC's bytes and the signed time", () => {
    for (const vector of vectors) {
      const { mac, signedAtMs } = verifierOf(vector)(vector);
      expect({ name: vector.name, mac: Buffer.from(mac).toString("base64"), signedAtMs }).toEqual({
        name: vector.name,
        mac: vector.signature,
        signedAtMs: Number(vector.timestamp),
      });
    }
  });

  test("each one is what signMessage makes", () => {
    for (const { body, timestamp, secret, signature } of vectors) {
      expect(signMessage(body, timestamp, secret)).toBe(signature);
    }
  });
});

describe("the published vectors", () => {
  test("are accepted and refused as they say, at the time that each names", () => {
    const judged = all.map((vector) => ({
      id: vector.id,
      valid: accepts(vectorOf(vector), { nowMs: vector.now }),
    }));
    expect(judged).toEqual(all.map(({ id, valid }) => ({ id, valid })));
    expect(all.filter(({ valid }) => !valid).length).toBeGreaterThan(15);
  });

  test("have an id of their own and a reason each", () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all.filter(({ reason }) => !/^[A-Z].*\.$/.test(reason))).toEqual([]);
  });
});

describe("a signature spelled otherwise", () => {
  test("is refused when any part of its end is missing", () => {
    rejectsForEach(({ signature }) =>
      Array.from({ length: signature.length }, (_, length) => signature.slice(0, length)),
    );
  });

  test("is refused when the spare bits of its last letter are set, though it decodes to the same bytes", () => {
    rejectsForEach(({ signature }) => {
      const respelled = spellingsWithSpareBits(signature);
      expect(respelled).toHaveLength(3);
      for (const spelling of respelled) {
        expect(Buffer.from(spelling, "base64").equals(Buffer.from(signature, "base64"))).toBe(true);
      }
      return respelled;
    });
  });

  test("is refused in base64url", () => {
    let tried = 0;
    rejectsForEach(({ signature }) => {
      const url = [
        signature.replaceAll("+", "-").replaceAll("/", "_"),
        signature.replace("+", "-"),
        signature.replace("/", "_"),
        Buffer.from(signature, "base64").toString("base64url"),
      ].filter((spelling) => spelling !== signature);
      tried += url.length;
      return url;
    });
    expect(tried).toBeGreaterThan(vectors.length);
  });

  test("is refused with its padding missing, doubled or escaped", () => {
    rejectsForEach(({ signature }) => {
      const bare = signature.slice(0, -1);
      return [bare, `${bare}==`, `${bare}%3D`, `${bare}=\0`, `=${bare}`];
    });
  });

  test("is refused with junk before, after or inside", () => {
    rejectsForEach(({ signature }) => [
      ...["A", "=", ".", "\0", "\n", "\r\n", "junk", ";x", ",", "é"].flatMap((junk) => [
        signature + junk,
        junk + signature,
        signature.slice(0, 20) + junk + signature.slice(20),
      ]),
    ]);
  });

  test("is refused with white space around it", () => {
    rejectsForEach(({ signature }) =>
      [" ", "\t", "\n", "\v", "\u00a0", "\ufeff"].flatMap((space) => [space + signature, signature + space]),
    );
  });

  test("is refused when the header came twice", () => {
    rejectsForEach(({ signature }) => [
      `${signature}, ${signature}`,
      `${signature},${signature}`,
      signature + signature,
    ]);
  });

  test("is refused in hexadecimal", () => {
    rejectsForEach(({ signature }) => [Buffer.from(signature, "base64").toString("hex")]);
  });

  test("is refused when it is empty or missing", () => {
    for (const signature of ["", null]) expect(accepts(sample, { signature })).toBe(false);
  });
});

describe("a signature of other bytes", () => {
  test("is refused when a single bit differs, whichever byte it is in", () => {
    rejectsForEach(({ signature }, index) =>
      Array.from({ length: 32 }, (_, byte) => {
        const mac = Buffer.from(signature, "base64");
        mac.writeUInt8(mac.readUInt8(byte) ^ (1 << ((byte + index) % 8)), byte);
        return mac.toString("base64");
      }),
    );
  });

  test("is refused when it belongs to another message or is all zeros", () => {
    rejectsForEach((_, index) => [
      vectors[(index + 1) % vectors.length]?.signature ?? "",
      Buffer.alloc(32).toString("base64"),
      Buffer.alloc(32, 0xff).toString("base64"),
    ]);
  });
});

describe("the body", () => {
  test("is refused when any one byte of it was altered, removed or added", () => {
    for (let index = 0; index < sample.body.length; index += 1) {
      const altered = Uint8Array.from(sample.body, (byte, at) => (at === index ? byte ^ 1 : byte));
      expect(accepts(sample, { body: altered })).toBe(false);
      const shortened = sample.body.filter((_, at) => at !== index);
      expect(accepts(sample, { body: shortened })).toBe(false);
    }
    for (const added of ["\n", " ", ".", "\0"]) {
      expect(accepts(sample, { body: Buffer.concat([sample.body, Buffer.from(added)]) })).toBe(false);
    }
  });

  test("cannot give its end to the timestamp", () => {
    const body = new TextEncoder().encode("a.1700000000000");
    const signature = macOf(body, "1700000000001", sample.secret);
    const verify = verifierOf(sample);
    expect(verify({ body, signature, timestamp: "1700000000001" }).mac).toHaveLength(32);
    const shifted = {
      body: new TextEncoder().encode("a"),
      signature,
      timestamp: "1700000000000.1700000000001",
    };
    expect(() => verify(shifted)).toThrow(SignatureInvalid);
  });
});

describe("the timestamp", () => {
  test("is refused when it differs by one millisecond from the signed one", () => {
    for (const timestamp of ["1699999999999", "1700000000001"]) {
      expect(accepts(sample, { timestamp })).toBe(false);
    }
  });

  test("is accepted up to exactly 60 seconds in the past, and not a millisecond more", () => {
    expect(accepts(sample, { nowMs: 1_700_000_060_000 })).toBe(true);
    expect(accepts(sample, { nowMs: 1_700_000_060_001 })).toBe(false);
    expect(accepts(sample, { nowMs: 1_700_000_061_000 })).toBe(false);
  });

  test("is accepted up to exactly 60 seconds in the future, and not a millisecond more", () => {
    expect(accepts(sample, { nowMs: 1_699_999_940_000 })).toBe(true);
    expect(accepts(sample, { nowMs: 1_699_999_939_999 })).toBe(false);
    expect(accepts(sample, { nowMs: 1_699_999_939_000 })).toBe(false);
  });

  test("is held against the tolerance that was configured", () => {
    expect(accepts(sample, { nowMs: 1_700_000_005_000, toleranceSeconds: 5 })).toBe(true);
    expect(accepts(sample, { nowMs: 1_700_000_005_001, toleranceSeconds: 5 })).toBe(false);
  });

  test("is held against the clock anew for every message", () => {
    let nowMs = 1_700_000_000_000;
    const verify = createSignatureVerifier({ ...rulesOf(sample), now: () => nowMs });
    expect(verify(sample).mac).toHaveLength(32);
    nowMs += 60_001;
    expect(() => verify(sample)).toThrow(SignatureInvalid);
    nowMs -= 1;
    expect(verify(sample).mac).toHaveLength(32);
  });

  test("is refused, even rightly signed, when it is no canonical whole number of milliseconds", () => {
    const spellings = [
      ...["", " ", "NaN", "Infinity", "-1", "-1700000000000", "+1700000000000", "01700000000000"],
      ...["1700000000000.0", "1700000000000.5", "1.7e12", "0x18bcfe56800", "1_700_000_000_000"],
      ...[" 1700000000000", "1700000000000 ", "1700000000000\n", "1700000000000n", "1,700,000,000,000"],
      ...["1700000000000, 1700000000000", "1700000000000,1700000000000", "17000000000001700000000000"],
      ...[
        "\u0661\u0667".padEnd(13, "\u0660"),
        "\uff11\uff17".padEnd(13, "\uff10"),
        "2023-11-14T22:13:20.000Z",
        "null",
        "true",
      ],
    ];
    for (const timestamp of spellings) {
      const signature = macOf(sample.body, timestamp, sample.secret);
      expect({ timestamp, accepted: accepts(sample, { timestamp, signature }) }).toEqual({
        timestamp,
        accepted: false,
      });
    }
    expect(accepts(sample, { timestamp: null })).toBe(false);
  });

  test("is refused in seconds, even rightly signed", () => {
    const timestamp = "1700000000";
    const signature = macOf(sample.body, timestamp, sample.secret);
    expect(accepts(sample, { timestamp, signature })).toBe(false);
  });
});

describe("two live secrets", () => {
  const older = new Uint8Array(32).fill(1);
  const newer = new Uint8Array(20).fill(2);
  const timestamp = "1700000000000";
  const body = new TextEncoder().encode('{"loginId":"sol@testmail.com"}');
  const verify = createSignatureVerifier({
    sharedSecrets: [older, newer],
    toleranceSeconds: 60,
    now: () => 1_700_000_000_000,
  });
  const signedWith = (secret: Uint8Array) => ({ body, timestamp, signature: macOf(body, timestamp, secret) });

  test("verify a message of either one, and each answers its own MAC", () => {
    for (const secret of [older, newer]) {
      const message = signedWith(secret);
      expect(Buffer.from(verify(message).mac).toString("base64")).toBe(message.signature);
    }
  });

  test("do not verify a message of a third one, nor one of both joined", () => {
    const others = [new Uint8Array(32).fill(3), new Uint8Array(32), Buffer.concat([older, newer])];
    for (const secret of others) expect(() => verify(signedWith(secret))).toThrow(SignatureInvalid);
  });

  test("without any secret nothing verifies", () => {
    const none = createSignatureVerifier({
      sharedSecrets: [],
      toleranceSeconds: 60,
      now: () => 1_700_000_000_000,
    });
    expect(() => none(signedWith(older))).toThrow(SignatureInvalid);
    expect(() => none(signedWith(new Uint8Array()))).toThrow(SignatureInvalid);
  });
});

test("a refusal gives no reason and repeats nothing", () => {
  for (const change of [{ signature: "secret-marker" }, { timestamp: "secret-marker" }, { nowMs: 0 }]) {
    const refusal = refusalOf(sample, change);
    expect(refusal?.message).toBe("");
    expect(refusal?.cause).toBeUndefined();
  }
});

test("verifying one message leaves no trace in the next", () => {
  const verify = verifierOf(sample);
  for (let round = 0; round < 3; round += 1) {
    expect(() => verify({ ...sample, body: new TextEncoder().encode("{}") })).toThrow(SignatureInvalid);
    expect(verify(sample).mac).toHaveLength(32);
  }
});

interface Change {
  readonly body?: Uint8Array;
  readonly signature?: string | null;
  readonly timestamp?: string | null;
  readonly nowMs?: number;
  readonly toleranceSeconds?: number;
}

function refusalOf(vector: Vector, { nowMs, toleranceSeconds, ...message }: Change): SignatureInvalid | null {
  const rules = { ...rulesOf(vector), ...(toleranceSeconds === undefined ? {} : { toleranceSeconds }) };
  const verify = createSignatureVerifier({ ...rules, now: () => nowMs ?? Number(vector.timestamp) });
  try {
    verify({ ...vector, ...message });
    return null;
  } catch (error) {
    if (error instanceof SignatureInvalid) return error;
    throw error;
  }
}

function accepts(vector: Vector, change: Change): boolean {
  return refusalOf(vector, change) === null;
}

function rulesOf({ secret, timestamp }: Vector): SignatureRules {
  return { sharedSecrets: [secret], toleranceSeconds: 60, now: () => Number(timestamp) };
}

function verifierOf(vector: Vector) {
  return createSignatureVerifier(rulesOf(vector));
}

/** Every signature that `spell` makes of a vector's must be refused. */
function rejectsForEach(spell: (vector: Vector, index: number) => string[]): void {
  const accepted = vectors.flatMap((vector, index) => {
    const verify = verifierOf(vector);
    return spell(vector, index).filter((signature) => {
      try {
        verify({ ...vector, signature });
        return true;
      } catch (error) {
        if (error instanceof SignatureInvalid) return false;
        throw error;
      }
    });
  });
  expect(accepted).toEqual([]);
}

function spellingsWithSpareBits(signature: string): string[] {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const last = alphabet.indexOf(signature.charAt(42));
  return [1, 2, 3].map((spare) => `${signature.slice(0, 42)}${alphabet.charAt(last | spare)}=`);
}

function vectorOf({ id, secret, body, timestamp, signature }: SignatureVector): Vector {
  return {
    name: id,
    secret: new Uint8Array(Buffer.from(secret, "base64")),
    body: bytesOfBody(body),
    timestamp,
    signature,
  };
}
