import { expectNobody, expectSession, expectStatus, expectStored, store, unexpected } from "../answers.ts";
import { type Case, examineEach, NotJudged, Variant } from "../case.ts";
import { withHeaders } from "../site.ts";

const ignoreHint =
  "Ignore what you do not know. OwnID already sends fields that its documentation does not name, and a strict schema " +
  "would one day refuse every login.";

const typeHint = "Treat anything but browser and mobile as no type, instead of refusing it.";

const unknownFields = { deferred: true, context: { locale: "de", list: [1, null] }, version: 4 };

/** Login ids in OwnID's own form. They are well-formed and belong to nobody. */
const loginIdForms = (mark: string): readonly string[] => [
  "+4915112345678".replace("345678", mark.slice(0, 6)),
  `Email:${mark}@example.com`,
  `user_name-${mark}`,
  `first.last+tag-${mark}@sub.example.co.uk`,
  `o'brien-${mark}@example.com`,
  `zoë-${mark}@exämple.com`,
  `😀-${mark}`,
  `${mark} with spaces`,
  `${mark}${"a".repeat(320)}`.slice(0, 320),
];

export const futureCases: readonly Case[] = [
  {
    id: "future-unknown-fields-get",
    level: "must",
    contract: "Fields that nobody has documented do not change the answer to a lookup.",
    hint: ignoreHint,
    run: async (site) => {
      const loginId = site.newStranger();
      const plain = await site.get(loginId);
      expectNobody(await site.send(site.request("get", { ...unknownFields, loginId })), plain);
    },
  },
  {
    id: "future-unknown-fields-set",
    level: "must",
    contract: "Fields that nobody has documented do not change the answer to a set.",
    hint: ignoreHint,
    writes: true,
    run: async (site) => {
      const body = { ...unknownFields, loginId: site.user, ownIdData: site.newValue() };
      expectStatus(await site.send(site.request("set", body)), 200, 204);
    },
  },
  {
    id: "future-unknown-fields-session",
    level: "must",
    contract: "Fields that nobody has documented do not change the answer to a session request.",
    hint: ignoreHint,
    run: async (site) => expectSession(await site.session({ ...unknownFields, sessionType: "browser" })),
  },
  {
    id: "future-session-type",
    level: "must",
    contract: "A session type that nobody has named yet counts as none: the person is logged in.",
    hint: typeHint,
    run: async (site) =>
      examineEach(["tablet", "web", "BROWSER", ""], async (sessionType) =>
        expectSession(await site.session({ sessionType })),
      ),
  },
  {
    id: "future-session-type-json",
    level: "should",
    contract: "A session type of another JSON type counts as none, too.",
    hint: typeHint,
    run: async (site) =>
      examineEach([null, 1, true, { kind: "browser" }], async (sessionType) => {
        const answer = await site.session({ sessionType });
        if (answer.status === 400) {
          throw new Variant("Refused with HTTP 400, as the sidecar does with REQUIRE_SESSION_TYPE=true.");
        }
        expectSession(answer);
      }),
  },
  {
    id: "future-headers",
    level: "must",
    contract: "Headers that nobody has documented do not change the answer.",
    hint: ignoreHint,
    run: async (site) => {
      const request = site.logIn();
      const headers = {
        "ownid-context": "a; b=c",
        "ownid-app-id": "x",
        traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
      };
      expectSession(await site.send(withHeaders(request, headers)));
    },
  },
  {
    id: "future-login-id-forms",
    level: "must",
    contract:
      "A login id may be an e-mail address, a phone number, a user name or an id of up to 320 characters.",
    hint: "Do not validate login ids as e-mail addresses: look them up. An unknown one is answered with 404.",
    run: async (site) => {
      const mark = crypto
        .randomUUID()
        .replaceAll(/[^0-9]/g, "")
        .padEnd(12, "0")
        .slice(0, 12);
      const unknown = await site.get(site.newStranger());
      await examineEach(loginIdForms(mark), async (loginId) =>
        expectNobody(await site.get(loginId), unknown),
      );
    },
  },
  {
    id: "future-large-data",
    level: "should",
    contract: "ownIdData may grow: 20,000 characters are kept whole, or refused without a change.",
    hint: "A column that cuts values off silently loses all devices. Use TEXT, or answer 413.",
    writes: true,
    run: async (site) => {
      const before = await store(site);
      const large = `${site.newValue()}${"x".repeat(20_000)}`;
      const answer = await site.set(large);
      if (answer.status < 300) return expectStored(site, large);
      await expectStored(site, before);
      if (answer.status !== 413) throw unexpected("HTTP 204 or 413", answer);
      throw new Variant("Refused with HTTP 413; nothing was written.");
    },
  },
  {
    id: "future-blocked-user",
    level: "should",
    contract: "A lookup and a session request of a blocked user are answered with 423.",
    hint: "OwnID tells the person that the account is blocked only if the lookup, its first call, says so.",
    run: async (site) => {
      const blocked = site.blockedUser;
      if (blocked === null)
        throw new NotJudged("Name a user whom your site has blocked with --blocked-user.");
      // Nothing is set: if the server did not refuse it, the data of that user would be lost.
      const calls = [() => site.get(blocked), () => site.session({ sessionType: "browser" }, blocked)];
      await examineEach(calls, async (call) => expectStatus(await call(), 423));
    },
  },
  {
    id: "future-verify-id-doc",
    level: "may",
    contract:
      "The fourth endpoint of OwnID's platform, verifyIdDoc, is answered with 404 where the site has none.",
    hint: "Answer 404 to paths that you do not have, not an error of the server.",
    run: async (site) => {
      const request = site.lookUp();
      expectStatus(await site.send({ ...request, url: request.url.replace(/[^/]+$/, "verifyIdDoc") }), 404);
    },
  },
];
