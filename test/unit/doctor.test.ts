import { describe, expect, test } from "bun:test";
import { type Item, worstOf } from "../../scripts/doctor/check.ts";
import { printGroups } from "../../scripts/doctor/printer.ts";
import { createRunner } from "../../scripts/doctor/runner.ts";
import { entropyBits } from "../../scripts/doctor/secret-checks.ts";
import { shellWord } from "../../src/fix.ts";

const items: Item[] = [
  { id: "redis.role", title: "role", status: "fine", detail: "master", fix: null },
  {
    id: "redis.eviction",
    title: "eviction",
    status: "wrong",
    detail: "it may evict what must stay, so that a lookup is stale",
    fix: "redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE",
  },
];
const page = { columns: 66, hasColors: false, isQuiet: false };
const groups = [{ title: "Redis", items }];

describe("the doctor's page", () => {
  test("aligns the items, wraps details and leaves fixes whole", () => {
    expect(printGroups(groups, page)).toBe(`Redis
  fine     role      master
  wrong    eviction  it may evict what must stay, so that a lookup
                     is stale
    redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE

1 wrong, 1 fine
`);
  });

  test("says the same with colors", () => {
    const colored = printGroups(groups, { ...page, hasColors: true });
    expect(colored).toContain("\x1b[");
    expect(Bun.stripANSI(colored)).toBe(printGroups(groups, page));
  });

  test("shows only what matters when it is to be quiet, and counts everything", () => {
    const fine = { title: "Clock", items: items.filter(({ status }) => status === "fine") };
    expect(printGroups([fine, ...groups], { ...page, isQuiet: true })).toBe(`Redis
  wrong    eviction  it may evict what must stay, so that a lookup
                     is stale
    redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE

1 wrong, 2 fine
`);
    expect(printGroups([fine], { ...page, isQuiet: true })).toBe("1 fine\n");
  });
});

describe("the doctor's runner", () => {
  const explain = () => ({ reason: "it is closed on Sundays", fix: "come again" });
  const check = (examine: () => Promise<never>, isScan?: true) => ({
    ...{ id: "shop.door", title: "door", examine },
    ...(isScan ? { isScan } : {}),
  });
  const never = () => new Promise<never>(() => {});

  test("makes an item of a check that throws, and of one that does not end", async () => {
    const run = createRunner({ deadlineMs: 20, onProgress: () => {} });
    const throwing = check(() => Promise.reject(new Error("with a secret in it")));
    expect(await run([throwing, check(never), check(never, true)], null, explain)).toEqual([
      {
        ...{ id: "shop.door", title: "door", status: "wrong" },
        detail: "could not be examined: it is closed on Sundays",
        fix: "come again",
      },
      {
        ...{ id: "shop.door", title: "door", status: "wrong" },
        detail: "no answer within 0.02 s",
        fix: "bun run doctor --deadline 1   # then see the server's load and the network",
      },
      {
        ...{ id: "shop.door", title: "door", status: "warning" },
        detail: "the table could not be read to its end within 0.02 s",
        fix: "bun run doctor --deadline 1",
      },
    ]);
  });
});

describe("the doctor's verdicts", () => {
  test("of several servers, tell the worst and fix each of those", () => {
    const wrong = (fix: string) => ({ status: "wrong", detail: "full", fix }) as const;
    const verdicts = [{ status: "fine", detail: "empty", fix: null } as const, wrong("one"), wrong("two")];
    expect(worstOf(verdicts)).toEqual(wrong("one\ntwo"));
  });

  test("quote what a shell would read otherwise", () => {
    expect(["/a/b-1.json", "~own's*", "a b"].map(shellWord)).toEqual([
      "/a/b-1.json",
      `'~own'\\''s*'`,
      "'a b'",
    ]);
  });

  test("find few bits in what repeats itself or counts up, and many in random bytes of any length", () => {
    const bits = (text: string) => entropyBits(Buffer.from(text, "latin1"));
    expect([bits("a".repeat(40)), bits("abcdefghijklmnop"), bits("0".repeat(16))]).toEqual([0, 0, 0]);
    expect(bits("password".repeat(5))).toBeLessThan(24);
    for (let round = 0; round < 200; round += 1) {
      expect(entropyBits(crypto.getRandomValues(new Uint8Array(16)))).toBeGreaterThan(48);
    }
  });
});
