import type { Answer, SignedRequest } from "../../client/signed-client.ts";
import { expectSession, parseObject } from "../answers.ts";
import { type Case, Deviation, examineEach, NotJudged } from "../case.ts";
import { type Site, withBody, withoutHeader } from "../site.ts";

/** These cases check that answers reveal no more than they must. */

const marker = "conformance-marker-7f3a";

export const answerCases: readonly Case[] = [
  {
    id: "safe-no-enumeration",
    level: "should",
    contract: "Without a valid signature, a known and an unknown user are answered alike.",
    hint: "Verify the signature before the user is looked up, and answer one body for all refusals.",
    run: async (site) => {
      const ask = async (loginId: string) => {
        const answer = await site.send(unsigned(site.request("get", { loginId })));
        if (answer.status < 300)
          throw new NotJudged("Unsigned requests are answered; the profile signed judges that.");
        return shapeOf(answer);
      };
      const [known, unknown] = [await ask(site.user), await ask(site.newStranger())];
      if (known !== unknown) throw new Deviation("The two refusals differ in status or body.");
    },
  },
  {
    id: "safe-one-refusal",
    level: "should",
    contract:
      "Every signature failure is answered alike, so that a caller does not learn which check failed.",
    hint: "Log the reason, and answer one body.",
    run: async (site) => {
      const request = site.lookUp();
      const spoilt = [
        unsigned(request),
        withoutHeader(request, "ownid-timestamp"),
        withBody(request, "{}"),
        site.request("get", { loginId: site.user }, 3_600_000),
      ];
      const shapes = new Set<string>();
      for (const refused of spoilt) {
        const answer = await site.send(refused);
        if (answer.status < 300) throw new NotJudged("Some are not refused; the profile signed judges that.");
        shapes.add(shapeOf(answer));
      }
      if (shapes.size > 1) throw new Deviation(`There are ${shapes.size} different refusals.`);
    },
  },
  {
    id: "safe-no-echo",
    level: "should",
    contract: "No refusal contains what was submitted.",
    hint: "Do not put the body, the login id or a parser's message into answers: proxies and consoles log them.",
    run: async (site) =>
      examineEach(echoProbes(site), async (request) => {
        const { status, body } = await site.send(request);
        if (status >= 400 && body.includes(marker))
          throw new Deviation(`HTTP ${status} repeats what was sent.`);
      }),
  },
  {
    id: "safe-no-store",
    level: "should",
    contract: "Answers forbid to be cached: Cache-Control: no-store.",
    hint: "A session token or a device list in a shared cache is somebody else's. Set the header on every answer.",
    run: async (site) =>
      examineEach([() => site.session(), () => site.get()], async (ask) => {
        const { headers } = await ask();
        const control = headers.get("cache-control");
        if (control === null || !/\bno-store\b/i.test(control)) {
          throw new Deviation(control === null ? "There is no Cache-Control." : `It says ${control}.`);
        }
      }),
  },
  {
    id: "safe-no-cors",
    level: "should",
    contract: "Pages of other sites may not read the answers: there is no Access-Control-Allow-Origin.",
    hint: "OwnID's servers call these endpoints, browsers never do: leave CORS off for them.",
    run: async (site) => {
      const request = site.logIn();
      const answer = await site.send({
        ...request,
        headers: { ...request.headers, origin: "https://example.net" },
      });
      expectSession(answer);
      const allowed = answer.headers.get("access-control-allow-origin");
      if (allowed !== null) throw new Deviation(`It allows ${allowed}.`);
    },
  },
];

const unsigned = (request: SignedRequest) => withoutHeader(request, "ownid-signature");

function echoProbes(site: Site): SignedRequest[] {
  const loginId = `${marker}@example.com`;
  return [
    unsigned(site.request("get", { loginId })),
    site.request("get", `{"loginId":"${marker}`),
    site.request("get", { loginId: { [marker]: marker } }),
    site.request("get", { loginId: `${marker}${"a".repeat(1000)}` }),
    site.request("get", { loginId }),
    { ...site.request("get", { loginId }), method: "PUT" },
  ];
}

/** Returns the answer without the members that differ from request to request, such as an id or a time. */
function shapeOf({ status, body }: Answer): string {
  const object = parseObject(body);
  if (object === null) return `${status} ${body}`;
  const kept = Object.entries(object).filter(([name]) => !/id$|time|date|trace|instance/i.test(name));
  return `${status} ${JSON.stringify(kept)}`;
}
