import { describe, expect, test } from "bun:test";
import { RequestInvalid } from "../../src/errors.ts";
import { parseLoginId } from "../../src/protocol/login-id.ts";

describe("parseLoginId", () => {
  test("keeps what was submitted, to the code unit", () => {
    const kept = [
      ...[
        "a",
        "sol@testmail.com",
        "Sol@TestMail.com",
        "sol+tag@testmail.com",
        "+49 151 12345678",
        "__proto__",
      ],
      ...[
        " sol ",
        "sol\u00a0",
        "zo\u00eb",
        "zoe\u0308",
        "\uff33\uff2f\uff2c",
        "\u0131I \u0130i",
        "\ufb00",
        "\u00df",
        "user\u200b",
        "\ufeffsol",
      ],
      ...["😀@example.com", "\u2028\u2029", "' OR 1=1 --", "%_\\", "{tag}", "a:b", "\u202e"],
    ];
    for (const loginId of kept) expect(parseLoginId(loginId, "exact")).toBe(loginId);
  });

  test("accepts up to 320 characters and not one more", () => {
    expect(parseLoginId("a".repeat(320), "exact")).toHaveLength(320);
    expect(() => parseLoginId("a".repeat(321), "exact")).toThrow(RequestInvalid);
  });

  test("counts characters, not UTF-16 code units", () => {
    expect(parseLoginId("😀".repeat(320), "exact")).toHaveLength(640);
    expect(() => parseLoginId("😀".repeat(321), "exact")).toThrow(RequestInvalid);
    expect(() => parseLoginId(`${"😀".repeat(320)}a`, "exact")).toThrow(RequestInvalid);
  });

  test("refuses the empty text", () => {
    expect(() => parseLoginId("", "exact")).toThrow(RequestInvalid);
  });

  test("refuses every control character, wherever it stands", () => {
    const controls = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index)];
    for (const control of controls.map((code) => String.fromCodePoint(code))) {
      for (const loginId of [control, `${control}a`, `a${control}`, `a${control}b`]) {
        expect(() => parseLoginId(loginId, "exact")).toThrow(RequestInvalid);
      }
    }
  });

  test("refuses a lone surrogate, which has no UTF-8 form", () => {
    for (const loginId of ["\ud800", "a\udc00", "\ude00\ud83d", "\ud83da", "a\ud83d"]) {
      expect(() => parseLoginId(loginId, "exact")).toThrow(RequestInvalid);
    }
  });

  test("gives a huge text up quickly", () => {
    const huge = "😀".repeat(2_000_000);
    const durations = Array.from({ length: 5 }, () => {
      const startedAt = performance.now();
      expect(() => parseLoginId(huge, "exact")).toThrow(RequestInvalid);
      return performance.now() - startedAt;
    });
    expect(Math.min(...durations)).toBeLessThan(50);
  });

  test("never repeats what was submitted", () => {
    for (const loginId of [`marker${"a".repeat(400)}`, "marker\0", "marker\ud800"]) {
      expect(() => parseLoginId(loginId, "exact")).toThrow(/^(?!.*marker)/s);
    }
  });
});

describe("parseLoginId with LOGIN_ID_CASE=lower", () => {
  test("lowers every letter as toLowerCase() does, whatever the machine's language", () => {
    expect(parseLoginId("SOL@TestMail.Com", "lower")).toBe("sol@testmail.com");
    expect(parseLoginId("ZOË", "lower")).toBe("zoë");
    expect(parseLoginId("I", "lower")).toBe("i");
    expect(parseLoginId("ΟΔΟΣ", "lower")).toBe("οδος");
    expect(parseLoginId("ẞ", "lower")).toBe("ß");
  });

  test("measures the lowered text: İ becomes two characters", () => {
    expect(parseLoginId("İ".repeat(160), "lower")).toHaveLength(320);
    expect(() => parseLoginId("İ".repeat(161), "lower")).toThrow(RequestInvalid);
  });

  test("lowering twice changes nothing more", () => {
    for (const loginId of ["İ", "ΑΣ", "ẞß", "ǅ", "\u2167", "\uff21", "\u212a", "\u{10400}"]) {
      const once = parseLoginId(loginId, "lower");
      expect(parseLoginId(once, "lower")).toBe(once);
    }
  });

  test("refuses what exact refuses", () => {
    for (const loginId of ["", "a\0", "\ud800", "A".repeat(321)]) {
      expect(() => parseLoginId(loginId, "lower")).toThrow(RequestInvalid);
    }
  });
});
