import { expect, test } from "bun:test";
import { createLoginIdHash } from "../../src/audit/login-id-hash.ts";

const secret = Uint8Array.from({ length: 32 }, (_, index) => index);

/** Computed with Python's hmac and hashlib. */
const vectors = [
  ["sol@testmail.com", "a8a43022b3475c2a6c5254fa9fa3221f"],
  ["SOL@Testmail.com", "a8a43022b3475c2a6c5254fa9fa3221f"],
  ["zoë@exämple.com", "4fd27a8710368ebd478c920c12f7957a"],
] as const;

test.each(vectors)(
  "the name of %s in the audit log is HMAC-SHA256 under a key of HKDF-SHA256",
  (loginId, hash) => {
    expect(createLoginIdHash(secret)(loginId)).toBe(hash);
  },
);

test("another secret gives other names", () => {
  const hash = createLoginIdHash(secret.map((byte) => byte ^ 1));
  expect(hash("sol@testmail.com")).not.toBe(vectors[0][1]);
});
