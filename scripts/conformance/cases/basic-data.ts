import { expectStored, parseObject, readOwnIdData, store } from "../answers.ts";
import { type Case, Deviation, Variant } from "../case.ts";

/** Texts that parsing, trimming or a wrong encoding would change. The site must treat them as opaque. */
const awkwardTexts = [
  ' { "a" : [ 1.0, 1e2 ] }\r\n\t ',
  `it's "quoted" \\ \\u00e9 %41 &amp; <b> $1 {{x}}`,
  "é e\u0301 ß İ ﬁ 日本語 עברית 😀 👩‍👩‍👧 \u2028\u2029\ufeff",
  "not JSON: {",
  "null",
];

/** These cases check whether a lookup returns the data that was set. */
export const dataCases: readonly Case[] = [
  {
    id: "basic-get-after-set",
    level: "must",
    contract: "What was set is what the next lookup answers, as the text ownIdData of a JSON object.",
    hint: "Store the value in the user's row, and read it from there. Spell the property ownIdData.",
    writes: true,
    run: async (site) => {
      const value = await store(site);
      const found = readOwnIdData(await site.get());
      if (found === value) return;
      throw new Deviation(
        site.wasEarlier(found)
          ? "The lookup still answered what the user had before the set."
          : "The lookup answered another text than was set.",
      );
    },
  },
  {
    id: "basic-get-without-data",
    level: "must",
    contract:
      "The text may be set empty; a lookup then answers 204 with an empty body, as for a user without data.",
    hint: "Treat NULL and the empty text alike: both mean that the user has no data.",
    writes: true,
    run: async (site) => {
      await store(site, "");
      await expectStored(site, null);
      const { status } = await site.get();
      if (status === 200) {
        throw new Variant(
          'Got HTTP 200 {"ownIdData":""}. Some of OwnID\'s pages describe this; its API reference says HTTP 204.',
        );
      }
    },
  },
  {
    id: "basic-verbatim",
    level: "must",
    contract: "ownIdData is opaque text: it is kept and answered character by character.",
    hint: "Never parse, trim or normalise the value; use a UTF-8 column (utf8mb4 in MySQL) and a JSON encoder.",
    writes: true,
    run: async (site) => {
      for (const text of awkwardTexts) {
        await store(site, text);
        await expectStored(site, text);
      }
    },
  },
  {
    id: "basic-5000-characters",
    level: "must",
    contract: "The site keeps at least 5,000 characters of ownIdData.",
    hint: "Widen the column: TEXT or VARCHAR(5000) and more. Check that no proxy or framework limits the body.",
    writes: true,
    run: async (site) => {
      const value = `${site.newValue()}${"é".repeat(5000)}`.slice(0, 5000);
      await store(site, value);
      await expectStored(site, value);
    },
  },
  {
    id: "basic-only-own-property",
    level: "may",
    contract: "A lookup's JSON object has the property ownIdData and no other.",
    hint: "Leave other columns of the user's row out of the answer.",
    writes: true,
    run: async (site) => {
      await store(site);
      const answer = await site.get();
      const names = Object.keys(parseObject(answer.body) ?? {}).filter((name) => name !== "ownIdData");
      if (answer.status === 200 && names.length > 0) throw new Deviation(`It also has ${names.join(", ")}.`);
    },
  },
];
