import express from "express";
import { loginIdOf, ownIdDataOf } from "../population.ts";

/**
 * Modeled on OwnID's own sample for Node: Express and a plain object. It checks no signature and stores nothing
 * permanently.
 */

const { PORT, USERS } = process.env;

const users: Record<string, { ownIdData: string }> = {};
for (let number = 0; number < Number(USERS); number += 1) {
  const loginId = loginIdOf("user", number);
  users[loginId] = { ownIdData: ownIdDataOf(loginId) };
}

const app = express();
app.use(express.json());

app.post("/ownid/getOwnIDDataByLoginId", (request, response) => {
  const user = users[request.body.loginId];
  if (user) response.json({ ownIdData: user.ownIdData });
  else response.json({ errorCode: 404 });
});

app.listen(Number(PORT), "127.0.0.1");
