import fastify, { type FastifyRequest } from "fastify";
import { Redis } from "ioredis";
import { createNodeVerifier } from "./node-signature.ts";

/**
 * Fastify on Node, as its documentation recommends: schemas for the body and the answer, and the signature check in the
 * content parser.
 */

const { PORT, OWNID_SHARED_SECRET = "", REDIS_URL = "", REDIS_KEY_PREFIX } = process.env;

const verify = createNodeVerifier(OWNID_SHARED_SECRET);
const redis = new Redis(REDIS_URL, { enableAutoPipelining: true });
const app = fastify();

class SignatureWrong extends Error {
  readonly statusCode = 401;
}

app.addContentTypeParser(
  "application/json",
  { parseAs: "buffer" },
  async (request: FastifyRequest, body: Buffer) => {
    if (!verify(body, request.headers)) throw new SignatureWrong();
    return JSON.parse(body.toString());
  },
);

app.post<{ Body: { loginId: string } }>(
  "/ownid/getOwnIDDataByLoginId",
  {
    schema: {
      body: { type: "object", required: ["loginId"], properties: { loginId: { type: "string" } } },
      response: { 200: { type: "object", properties: { ownIdData: { type: "string" } } } },
    },
  },
  async (request, reply) => {
    const [value] = await redis.hmget(`${REDIS_KEY_PREFIX}user:${request.body.loginId}`, "v");
    return value ? { ownIdData: value } : reply.code(404).send();
  },
);

await app.listen({ host: "127.0.0.1", port: Number(PORT) });
