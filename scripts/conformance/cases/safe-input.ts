import { NoAnswer } from "../../client/no-answer.ts";
import type { Answer, Content } from "../../client/signed-client.ts";
import { countText } from "../../quantities.ts";
import { describeAnswer, expectNobody, expectRejected, expectStored, store, unexpected } from "../answers.ts";
import { type Case, Deviation, examineEach, Variant } from "../case.ts";
import { isClientError, withBody, withHeaders } from "../site.ts";

const schemaHint =
  "Check the parsed body against a schema before it is used, and answer 400. Only whoever has the secret can send this, " +
  "but an exception here shows that input reaches further than it should.";

const largeBytes = 8 * 1024 * 1024;
const longCharacters = 20_000;

const malformedLookups: readonly (readonly [name: string, body: Content])[] = [
  ["no JSON", "{"],
  ["an empty body", ""],
  ["null", "null"],
  ["an array", '["sol@testmail.com"]'],
  ["a text", '"sol@testmail.com"'],
  ["no loginId", "{}"],
  ["an empty loginId", '{"loginId":""}'],
  ["a number as loginId", '{"loginId":1}'],
  ["an object as loginId", '{"loginId":{"$ne":null}}'],
  ["an array as loginId", '{"loginId":["a","b"]}'],
  ["a NUL in loginId", '{"loginId":"a\\u0000b"}'],
  ["half a character in loginId", '{"loginId":"a\\ud800b"}'],
  ["bytes that are no UTF-8", Uint8Array.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ["deep nesting", `{"loginId":${"[".repeat(500)}${"]".repeat(500)}}`],
  ["a prototype", '{"__proto__":{"loginId":"sol@testmail.com"}}'],
];

/** Login ids that SQL without parameters, patterns or paths would misinterpret. */
const hostileLoginIds = [
  "' OR '1'='1",
  "'; UPDATE users SET email = 'x'; --",
  '" OR ""="',
  "%",
  "*",
  "_",
  "../../etc/passwd",
  "{{7*7}}",
  "<script>alert(1)</script>",
];

export const inputCases: readonly Case[] = [
  {
    id: "safe-unsigned-junk",
    level: "must",
    contract: "What has no valid signature is refused with a 4xx, whatever its body and headers are.",
    hint: "Verify the signature before the body is parsed, and treat every failure on the way as a refusal.",
    run: async (site) =>
      examineEach(malformedLookups, async ([, body]) => {
        const request = site.request("get", body);
        const junk = withHeaders(request, {
          "ownid-signature": "%00é=".repeat(9),
          "ownid-timestamp": "-1e999",
        });
        expectClientError(await site.send(junk));
      }),
  },
  {
    id: "safe-malformed-lookup",
    level: "should",
    contract: "A signed lookup without a usable loginId is answered with 400.",
    hint: schemaHint,
    run: async (site) =>
      examineEach(malformedLookups, async ([, body]) =>
        expectRejected(await site.send(site.request("get", body))),
      ),
  },
  {
    id: "safe-malformed-set",
    level: "should",
    contract: "A signed set whose ownIdData is no text is answered with 400, and changes nothing.",
    hint: `${schemaHint} ownIdData is text: do not turn numbers, null or objects into one.`,
    writes: true,
    run: async (site) => {
      const before = await store(site);
      await examineEach([null, 1, true, {}, ["a"], { a: "b" }], async (ownIdData) =>
        expectRejected(await site.send(site.request("set", { loginId: site.user, ownIdData }))),
      );
      await expectStored(site, before);
    },
  },
  {
    id: "safe-hostile-login-id",
    level: "must",
    contract: "A login id is data: quotes, patterns and paths in it find nobody.",
    hint: "Use parameters in every statement, and = instead of LIKE. Encode login ids in keys and paths.",
    run: async (site) => {
      const unknown = await site.get(site.newStranger());
      await examineEach(hostileLoginIds, async (loginId) => {
        const answer = await site.get(loginId);
        if (answer.status !== 400) expectNobody(answer, unknown);
      });
    },
  },
  {
    id: "safe-large-body",
    level: "should",
    contract: "A body of 8 MiB is refused with 413 instead of being stored or exhausting memory.",
    hint: "Limit the body, for example to 64 KiB, by Content-Length and while reading. Refuse before verifying.",
    writes: true,
    run: async (site) => {
      const body = { loginId: site.user, ownIdData: "x".repeat(largeBytes) };
      try {
        const answer = await site.send(site.request("set", body));
        if (answer.status !== 413) expectRejected(answer);
      } catch (error) {
        // A server that closes the connection before the end of the body has refused it as well.
        if (!(error instanceof NoAnswer)) throw error;
      }
    },
  },
  {
    id: "safe-long-login-id",
    level: "should",
    contract: `A login id of ${countText(longCharacters)} characters is refused or unknown.`,
    hint: "Limit login ids, for example to 320 characters, and answer 400 beyond that.",
    run: async (site) => expectRejected(await site.get("a".repeat(longCharacters))),
  },
  {
    id: "safe-media-type",
    level: "should",
    contract: "A body that does not say it is application/json is refused with 415.",
    hint: "Check the media type before the body is read.",
    run: async (site) =>
      examineEach(["text/plain", "application/x-www-form-urlencoded"], async (type) => {
        const request = withHeaders(site.lookUp(), { "content-type": type });
        const answer = await site.send(request);
        if (answer.status < 300) throw unexpected(`HTTP 415 for ${type}`, answer);
        expectClientError(answer);
        if (answer.status !== 415) throw new Variant(`Refused with HTTP ${answer.status} instead of 415.`);
      }),
  },
  {
    id: "safe-methods",
    level: "should",
    contract: "The endpoints take POST alone; other methods are answered with 405.",
    hint: "Route POST only. A GET may be cached, logged and prefetched.",
    run: async (site) =>
      examineEach(["GET", "PUT", "PATCH", "DELETE"], async (method) => {
        const answer = await site.send({ ...site.request("session", { loginId: site.user }), method });
        if (answer.status < 300)
          throw new Deviation(`${method} was answered with ${describeAnswer(answer)}.`, answer);
        expectClientError(answer);
        if (answer.status !== 405)
          throw new Variant(`${method} was answered with HTTP ${answer.status} instead of 405.`);
      }),
  },
  {
    id: "safe-compressed-body",
    level: "may",
    contract:
      "A compressed body is refused with 415: OwnID sends none, and a small one can unpack to gigabytes.",
    hint: "Refuse requests that have a Content-Encoding.",
    run: async (site) => {
      const body = Bun.gzipSync(new TextEncoder().encode(JSON.stringify({ loginId: site.user })));
      const request = withHeaders(site.request("get", body), { "content-encoding": "gzip" });
      expectClientError(await site.send(withBody(request, body)));
    },
  },
];

function expectClientError(answer: Answer): void {
  if (isClientError(answer)) return;
  throw unexpected("HTTP 4xx", answer);
}
