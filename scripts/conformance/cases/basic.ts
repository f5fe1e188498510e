import { expectSession, expectStatus, expectUnknownUser, readOwnIdData, unexpected } from "../answers.ts";
import { type Case, Deviation, NotJudged, Variant } from "../case.ts";
import { withHeaders } from "../site.ts";

const lookUpFirst =
  "Look the user up before anything else, and answer 404 with an empty body where there is no row.";

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
    id: "basic-get-unknown-user",
    level: "must",
    contract: "A lookup of a login id that no user has is answered with 404.",
    hint: lookUpFirst,
    run: async (site) => expectUnknownUser(await site.get(site.newStranger())),
  },
  {
    id: "basic-set-unknown-user",
    level: "must",
    contract: "A set for a login id that no user has is answered with 404, and no user is created.",
    hint: `${lookUpFirst} An upsert is wrong here: the site itself creates users.`,
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
      if (answer.body !== "") throw unexpected("an empty body", answer);
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
      const request = site.logIn();
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
      const request = site.logIn();
      expectSession(await site.send({ ...request, url: `${request.url}/` }));
    },
  },
];
