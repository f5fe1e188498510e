import {
  describeAnswer,
  expectSession,
  expectStatus,
  expectStored,
  expectUnknownUser,
  parseObject,
  readOwnIdData,
} from "../answers.ts";
import { type Case, Deviation, NotJudged, Variant } from "../case.ts";
import { withHeaders } from "../site.ts";

const lookUpFirst =
  "Look the user up before anything else, and answer 404 with an empty body where there is no row.";

/** Opaque to the site: texts that parsing, trimming or a wrong encoding would change. */
const awkwardTexts = [
  ' { "a" : [ 1.0, 1e2 ] }\r\n\t ',
  `it's "quoted" \\ \\u00e9 %41 &amp; <b> $1 {{x}}`,
  "é e\u0301 ß İ ﬁ 日本語 עברית 😀 👩‍👩‍👧 \u2028\u2029\ufeff",
  "not JSON: {",
  "null",
];

export const basicCases: readonly Case[] = [
  {
    id: "basic-get-user",
    level: "must",
    contract:
      'A lookup of a user is answered with 200 and {"ownIdData":"…"}, or with 204 if the user has no data.',
    hint: "A user without data, NULL in the database, must not end in an exception: answer 204 with an empty body.",
    run: async (site) => void readOwnIdData(await site.get()),
  },
  {
    id: "basic-set-user",
    level: "must",
    contract: "A set that was stored is answered with 204 and an empty body.",
    hint: "Commit the value first, then answer 204 without a body.",
    writes: true,
    run: async (site) => {
      const answer = await site.set(site.newValue());
      expectStatus(answer, 204);
    },
  },
  {
    id: "basic-get-after-set",
    level: "must",
    contract: "What was set is what the next lookup answers, as the text ownIdData of a JSON object.",
    hint: "Store the value in the user's row, and read it from there. Spell the property ownIdData.",
    writes: true,
    run: async (site) => {
      const value = site.newValue();
      expectStatus(await site.set(value), 200, 204);
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
      expectStatus(await site.set(""), 200, 204);
      await expectStored(site, null);
      const { status } = await site.get();
      if (status === 200) {
        throw new Variant(
          'Came HTTP 200 {"ownIdData":""}, as some of OwnID\'s pages have it; its reference says 204.',
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
        expectStatus(await site.set(text), 200, 204);
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
      expectStatus(await site.set(value), 200, 204);
      await expectStored(site, value);
    },
  },
  {
    id: "basic-get-unknown-user",
    level: "must",
    contract: "A lookup of a login id that no user has is answered with 404.",
    hint: lookUpFirst,
    run: async (site) => expectUnknownUser(await site.get(site.newStranger())),
  },
  {
    id: "basic-set-unknown-user",
    level: "must",
    contract: "A set for a login id that no user has is answered with 404, and no user is made.",
    hint: `${lookUpFirst} An upsert is wrong here: the site itself makes users.`,
    run: async (site) => {
      const stranger = site.newStranger();
      expectUnknownUser(await site.set(site.newValue(), stranger));
      expectUnknownUser(await site.get(stranger));
    },
  },
  {
    id: "basic-session-unknown-user",
    level: "must",
    contract: "A session request for a login id that no user has is answered with 404.",
    hint: lookUpFirst,
    run: async (site) =>
      expectUnknownUser(await site.session({ sessionType: "browser" }, site.newStranger())),
  },
  ...(["browser", "mobile"] as const).map(
    (sessionType): Case => ({
      id: `basic-session-${sessionType}`,
      level: "must",
      contract: `A session request of type ${sessionType} is answered with 200 and the session as a JSON object.`,
      hint: 'Answer what the site\'s own pages need to log the person in, for example {"token":"…"}.',
      run: async (site) => expectSession(await site.session({ sessionType })),
    }),
  ),
  {
    id: "basic-session-without-type",
    level: "must",
    contract: "sessionType is optional: without it, a session request is answered alike.",
    hint: "Do not make sessionType a required property.",
    run: async (site) => {
      const answer = await site.session({});
      if (answer.status === 400) {
        throw new Variant(
          "Refused with HTTP 400, as the sidecar does with REQUIRE_SESSION_TYPE=true, to tell the request from a captured lookup.",
        );
      }
      expectSession(answer);
    },
  },
  {
    id: "basic-empty-404",
    level: "should",
    contract: "The 404 for an unknown user has an empty body.",
    hint: "Send no body with it. OwnID reads the status alone.",
    run: async (site) => {
      const answer = await site.get(site.newStranger());
      if (answer.status !== 404) throw new NotJudged("It is no 404; basic-get-unknown-user judges that.");
      if (answer.body !== "") throw new Deviation(`Came ${describeAnswer(answer)}.`, answer);
    },
  },
  {
    id: "basic-json-type",
    level: "should",
    contract: "An answer with a body says that it is application/json.",
    hint: "Set Content-Type: application/json on answers with a body.",
    run: async (site) => {
      const answer = await site.session();
      expectSession(answer);
      const type = answer.headers.get("content-type") ?? "nothing";
      if (!/^application\/json\b/i.test(type)) throw new Deviation(`The Content-Type was ${type}.`);
    },
  },
  {
    id: "basic-charset",
    level: "must",
    contract: "The request's media type may name a charset: application/json; charset=utf-8.",
    hint: "Compare the media type without its parameters.",
    run: async (site) => {
      const request = site.request("session", { loginId: site.user, sessionType: "browser" });
      expectSession(
        await site.send(withHeaders(request, { "content-type": "application/json; charset=utf-8" })),
      );
    },
  },
  {
    id: "basic-trailing-slash",
    level: "should",
    contract: "Each endpoint is reached with a slash at the end of its path, too, without a redirect.",
    hint: "Route both spellings. A redirect loses the body of a POST.",
    run: async (site) => {
      const request = site.request("session", { loginId: site.user, sessionType: "browser" });
      expectSession(await site.send({ ...request, url: `${request.url}/` }));
    },
  },
  {
    id: "basic-only-own-property",
    level: "may",
    contract: "A lookup's JSON object has the property ownIdData and no other.",
    hint: "Leave other columns of the user's row out of the answer.",
    writes: true,
    run: async (site) => {
      expectStatus(await site.set(site.newValue()), 200, 204);
      const answer = await site.get();
      const names = Object.keys(parseObject(answer.body) ?? {}).filter((name) => name !== "ownIdData");
      if (answer.status === 200 && names.length > 0) throw new Deviation(`It also has ${names.join(", ")}.`);
    },
  },
];
