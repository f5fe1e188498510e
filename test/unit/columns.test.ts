import { describe, expect, test } from "bun:test";
import { columnsOf, describeEach, wrapBeside } from "../../scripts/columns.ts";
import { textTable } from "../../scripts/text-table.ts";

test("a terminal without a size, and what is no terminal, counts as 80 columns wide", () => {
  expect([columnsOf({ columns: 120 }), columnsOf({ columns: 0 }), columnsOf({})]).toEqual([120, 80, 80]);
});

test("a text stands beside what precedes it, and stays readable on a narrow terminal", () => {
  expect(`name  ${wrapBeside(6, "one two three four", 26)}`).toBe("name  one two three four");
  expect(`name  ${wrapBeside(6, "one two three four five six", 26)}`).toBe(
    "name  one two three four\n      five six",
  );
  expect(wrapBeside(6, "one two three four five six", 3)).toBe("one two three four\n      five six");
});

test("texts are described in one column beside their names", () => {
  expect(
    describeEach([
      ["a", "first"],
      ["long", "second"],
    ]),
  ).toBe("  a     first\n  long  second");
});

describe("a table", () => {
  const head = ["", "requests", "p50", "each round"];
  const rows = [
    ["get", "1,000", "1.00 ms", "1.00 1.10 1.20"],
    ["a name of several words", "5", "900 µs", "0.90 0.90 0.90"],
  ];

  test("has its names to the left and its figures to the right", () => {
    expect(textTable(head, rows, 80)).toBe(
      [
        "                         requests      p50      each round",
        "get                         1,000  1.00 ms  1.00 1.10 1.20",
        "a name of several words         5   900 µs  0.90 0.90 0.90",
      ].join("\n"),
    );
  });

  test("continues below where it is too wide, and wraps names between words", () => {
    expect(textTable(head, rows, 36)).toBe(
      [
        "               requests      p50",
        "get               1,000  1.00 ms",
        "a name of             5   900 µs",
        "several words",
        "",
        "                   each round",
        "get            1.00 1.10 1.20",
        "a name of      0.90 0.90 0.90",
        "several words",
      ].join("\n"),
    );
  });
});
