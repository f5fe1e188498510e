import { parseObject, readOwnIdData, store } from "../answers.ts";
import { type Case, Deviation, NotJudged } from "../case.ts";
import { judgeRegister } from "./fresh-register.ts";

const cacheHint =
  "Something answers an old value: a cache before the database, a read replica, or a copy in the memory of each process. " +
  "Read from the primary database, or update the cache before the set is answered.";

const rounds = 5;
const readersAfterSet = 8;

export const freshCases: readonly Case[] = [
  {
    id: "fresh-get-after-set",
    level: "must",
    contract: "Each set is seen by the very next lookup, even if the user was looked up before it.",
    hint: cacheHint,
    writes: true,
    run: async (site) => {
      for (let round = 0; round < rounds; round += 1) {
        await site.get();
        const value = await store(site);
        expectFresh(readOwnIdData(await site.get()), value);
      }
    },
  },
  {
    id: "fresh-gets-at-once",
    level: "must",
    contract: "After a set, lookups at once over connections of their own all see it.",
    hint: `${cacheHint} Behind a load balancer, each instance must see what another has written.`,
    writes: true,
    run: async (site) => {
      const value = await store(site);
      const answers = await Promise.all(Array.from({ length: readersAfterSet }, () => site.get()));
      for (const answer of answers) expectFresh(readOwnIdData(answer), value);
    },
  },
  {
    id: "fresh-emptied",
    level: "must",
    contract:
      "Data that was set to the empty text is gone for the next lookup: a removed device stays removed.",
    hint: cacheHint,
    writes: true,
    run: async (site) => {
      await store(site);
      await site.get();
      await store(site, "");
      const answer = await site.get();
      const found = parseObject(answer.body)?.ownIdData;
      if (typeof found === "string" && found !== "") {
        throw new Deviation(
          "After the data was set to the empty text, a lookup still answered some.",
          answer,
        );
      }
      if (answer.status !== 204 && answer.status !== 200) {
        throw new NotJudged("A lookup of a user without data fails; basic-get-without-data judges that.");
      }
    },
  },
  {
    id: "fresh-register",
    level: "must",
    contract:
      "Sets and lookups at the same time look as if they had happened one after the other: no lookup goes back to an older value.",
    hint: `${cacheHint} A lookup that began before a set must not fill a cache after it.`,
    writes: true,
    run: judgeRegister,
  },
];

function expectFresh(found: string | null, expected: string): void {
  if (found !== expected) throw new Deviation("After a set, a lookup answered another value than that one.");
}
