import express from "express";
import { Redis } from "ioredis";
import { createNodeVerifier } from "./node-signature.ts";

/**
 * Express on Node, as a team would write it that follows OwnID's documentation: the raw body is verified while JSON is
 * parsed.
 */

const { PORT, OWNID_SHARED_SECRET = "", REDIS_URL = "", REDIS_KEY_PREFIX } = process.env;

const verify = createNodeVerifier(OWNID_SHARED_SECRET);
const redis = new Redis(REDIS_URL, { enableAutoPipelining: true });
const app = express();

class SignatureWrong extends Error {
  readonly status = 401;
}

app.use(
  express.json({
    verify(request, _response, body) {
      if (!verify(body, request.headers)) throw new SignatureWrong();
    },
  }),
);

app.post("/ownid/getOwnIDDataByLoginId", async (request, response) => {
  const [value] = await redis.hmget(`${REDIS_KEY_PREFIX}user:${request.body.loginId}`, "v");
  if (value) response.json({ ownIdData: value });
  else response.status(404).end();
});

app.listen(Number(PORT), "127.0.0.1");
