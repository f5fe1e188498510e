import type { Answer, SignedRequest } from "../../client/signed-client.ts";
import {
  describeAnswer,
  expectSession,
  expectStatus,
  expectStored,
  readOwnIdData,
  store,
  unexpected,
} from "../answers.ts";
import { type Case, Deviation } from "../case.ts";
import type { Site } from "../site.ts";

/**
 * OwnID's contract does not require these cases. If they do not hold, whoever captures a request can use it for a
 * minute.
 */

const rememberHint =
  "Remember the MAC of each request that was executed for twice the time window, in a store that all instances share. " +
  "(The sidecar does so unless REPLAY_PROTECTION is off.)";
const bindHint =
  "The path is not signed. Remember with each MAC which endpoint it was used on first, and refuse it on the others.";

export const replayCases: readonly Case[] = [
  {
    id: "safe-replayed-set",
    level: "should",
    contract: "A copy of an older set does not bring its value back.",
    hint: `${rememberHint} Answer the copy as the first was answered, without executing it.`,
    writes: true,
    run: async (site) => {
      const older = site.newValue();
      const captured = site.request("set", { loginId: site.user, ownIdData: older });
      expectStatus(await site.send(captured), 200, 204);
      await store(site);
      await site.send(captured);
      if (readOwnIdData(await site.get()) === older) {
        throw new Deviation("The copy was executed: the user has the older value again.");
      }
    },
  },
  {
    id: "safe-replayed-session",
    level: "should",
    contract: "A copy of a session request gives no second session.",
    hint: rememberHint,
    run: async (site) => {
      const captured = site.logIn();
      expectSession(await site.send(captured));
      expectNoSession(await site.send(captured), "A copy of the request");
    },
  },
  {
    id: "safe-get-as-session",
    level: "should",
    contract: "A captured lookup gives no session at the session endpoint.",
    hint: `${bindHint} Or require sessionType in a session request.`,
    run: async (site) => {
      const captured = site.lookUp();
      await site.send(captured);
      expectNoSession(await site.send(site.at(captured, "session")), "A lookup");
    },
  },
  {
    id: "safe-set-as-session",
    level: "should",
    contract: "A captured set gives no session at the session endpoint.",
    hint: `${bindHint} Or refuse a session request that carries ownIdData.`,
    writes: true,
    run: async (site) => {
      const captured = site.request("set", { loginId: site.user, ownIdData: site.newValue() });
      await site.send(captured);
      expectNoSession(await site.send(site.at(captured, "session")), "A set");
    },
  },
  {
    id: "safe-session-as-get",
    level: "should",
    contract: "A captured session request reads no data at the lookup endpoint.",
    hint: bindHint,
    run: async (site) => {
      const captured = site.logIn();
      await site.send(captured);
      expectUnused(await site.send(site.at(captured, "get")), "A session request was answered as a lookup");
    },
  },
  {
    id: "safe-replayed-at-once",
    level: "should",
    contract: "Of ten copies of a session request at once, one gives a session.",
    hint: `${rememberHint} Claim the MAC in one atomic step before anything is done.`,
    run: async (site) => {
      const captured = site.logIn();
      const answers = await Promise.all(Array.from({ length: 10 }, () => site.send(captured)));
      const sessions = answers.filter(({ status }) => status === 200).length;
      if (sessions !== 1) throw new Deviation(`${sessions} of the 10 copies got a session.`);
    },
  },
  {
    id: "safe-set-without-data",
    level: "must",
    contract: "A captured lookup or session request changes nothing at the set endpoint.",
    hint: "Refuse a set whose body has no ownIdData: nothing given is not the same as empty.",
    writes: true,
    run: async (site) => {
      const before = await store(site);
      await expectStored(site, before);
      for (const captured of capturedWithoutData(site)) await site.send(site.at(captured, "set"));
      if (readOwnIdData(await site.get()) !== before) throw new Deviation("The user's data was changed.");
    },
  },
];

function capturedWithoutData(site: Site): SignedRequest[] {
  return [site.lookUp(), site.logIn()];
}

function expectNoSession(answer: Answer, what: string): void {
  expectUnused(answer, `${what} was answered with a session`);
}

function expectUnused(answer: Answer, otherwise: string): void {
  if (answer.status >= 500 && answer.status !== 503) throw unexpected("a refusal", answer);
  if (answer.status < 300) throw new Deviation(`${otherwise}: ${describeAnswer(answer)}.`, answer);
}
