import { describe, expect, test } from "bun:test";
import { RequestInvalid } from "../../src/errors.ts";
import { parseOwnIdData } from "../../src/protocol/ownid-data.ts";

describe("parseOwnIdData", () => {
  test("keeps opaque text to the code unit", () => {
    const kept = [
      ...["", " ", " padded ", "\r\n\t", "\u2028\u2029", "\ufeff", "zo\u00eb", "zoe\u0308", "😀👩‍👩‍👧‍👦"],
      ...['{"a":1}', '{ "a" : 1 }', "not JSON", "\\u0000", "null", "\u0001\u007f", "\uffff", "'\"\\%"],
    ];
    for (const ownIdData of kept) expect(parseOwnIdData(ownIdData)).toBe(ownIdData);
  });

  test("keeps long text", () => {
    const ownIdData = '{"device":"é😀\u2028"}'.repeat(10_000);
    expect(parseOwnIdData(ownIdData)).toBe(ownIdData);
  });

  test("refuses U+0000, which no text column can hold, wherever it stands", () => {
    for (const ownIdData of ["\0", "\0a", "a\0", "a\0b"]) {
      expect(() => parseOwnIdData(ownIdData)).toThrow(RequestInvalid);
    }
  });

  test("refuses a lone surrogate, which has no UTF-8 form", () => {
    for (const ownIdData of ["\ud800", "a\udc00", "\ude00\ud83d", "\ud83da", "😀\ud83d"]) {
      expect(() => parseOwnIdData(ownIdData)).toThrow(RequestInvalid);
    }
  });

  test("never repeats what was submitted", () => {
    for (const ownIdData of ["marker\0", "marker\ud800"]) {
      expect(() => parseOwnIdData(ownIdData)).toThrow(/^(?!.*marker)/s);
    }
  });
});
