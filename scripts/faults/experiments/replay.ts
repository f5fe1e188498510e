import type { SignedRequest } from "../../client/signed-client.ts";
import { ask, type Reply, sendOnce, signRequest } from "../harness/client.ts";
import { combine, experiment, unless } from "../harness/experiment.ts";
import type { Verdict } from "../harness/history.ts";
import { untilTrue } from "../harness/load.ts";
import type { Sidecar } from "../harness/sidecar.ts";
import { startWorld, type World } from "../harness/world.ts";

export const replay = experiment({
  id: "replay",
  title:
    "the same signed request is sent again: copies, to other endpoints, to other sidecars, and after a restart of Redis",
  passes: "it is executed once, and another endpoint answers 401 every time",
  small: { copies: 200 },
  full: { copies: 1000 },
  async run({ copies }, progress) {
    await using world = await startWorld({ sidecars: 2, users: 3 });
    const both = [world.sidecar(0), world.sidecar(1)] as const;
    const verdicts = [
      await copySet(world, both, copies),
      await crossEndpoints(world, both, Math.min(copies, 100)),
      await copySession(world, both, Math.min(copies, 100)),
    ];
    progress("copies and other endpoints are done; Redis restarts empty");
    verdicts.push(await acrossRestart(world, both));
    return combine(...verdicts);
  },
});

type Both = readonly [Sidecar, Sidecar];

/** Sends copies in groups of fifty, alternating between the two sidecars. */
async function sendCopies(both: Both, request: SignedRequest, copies: number): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let sent = 0; sent < copies; sent += 50) {
    const wave = Array.from({ length: Math.min(50, copies - sent) }, (_, number) =>
      sendOnce(aimAt(both[number % 2 === 0 ? 0 : 1], request)),
    );
    replies.push(...(await Promise.all(wave)));
  }
  return replies;
}

function aimAt({ baseUrl }: Sidecar, request: SignedRequest, endpoint?: string): SignedRequest {
  return { ...request, url: `${baseUrl}/${endpoint ?? request.url.split("/").at(-1)}` };
}

const countOf = (replies: readonly Reply[], wanted: number) =>
  replies.filter(({ status }) => status === wanted).length;

async function writtenTimes({ site }: World, value: string): Promise<number> {
  return (await site.written()).filter((written) => written.value === value).length;
}

async function copySet(world: World, both: Both, copies: number): Promise<Verdict> {
  const [loginId = ""] = world.site.loginIds;
  const replies = await sendCopies(
    both,
    signRequest(both[0], "set", { loginId, ownIdData: "copied" }),
    copies,
  );
  const done = countOf(replies, 204);
  const executions = await writtenTimes(world, "copied");
  return {
    figures: { "copies of a set": copies, "set executions": executions, "copies answered with 204": done },
    failures: unless({
      [`the set was executed ${executions} times`]: executions === 1,
      "a copy was answered neither 204 nor 503": done + countOf(replies, 503) === copies,
    }),
  };
}

/** Returns the request with each base64 text that decodes to the same signature. The first one is canonical. */
function spellings(request: SignedRequest): SignedRequest[] {
  const signature = request.headers["ownid-signature"] ?? "";
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const last = alphabet.indexOf(signature.charAt(42));
  return [0, 1, 2, 3].map((spare) => {
    const respelled = `${signature.slice(0, 42)}${alphabet[last + spare]}=`;
    return { ...request, headers: { ...request.headers, "ownid-signature": respelled } };
  });
}

async function crossEndpoints(world: World, both: Both, rounds: number): Promise<Verdict> {
  const [, loginId = ""] = world.site.loginIds;
  const statuses: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const captured = signRequest(both[0], "get", { loginId });
    await sendOnce(captured);
    for (const spelling of spellings(captured)) {
      for (const sidecar of both)
        statuses.push((await sendOnce(aimAt(sidecar, spelling, "getSessionByLoginId"))).status);
    }
  }
  const refused = statuses.filter((status) => status === 401).length;
  return {
    figures: { "lookups sent as sessions": statuses.length, "of these answered with 401": refused },
    failures: unless({ "a captured lookup was not refused as a session": refused === statuses.length }),
  };
}

async function copySession(world: World, both: Both, copies: number): Promise<Verdict> {
  const [, loginId = ""] = world.site.loginIds;
  const replies = await sendCopies(both, signRequest(both[0], "session", { loginId }), copies);
  const issued = countOf(replies, 200);
  return {
    figures: { "copies of a session": copies, "sessions issued": issued },
    failures: unless({
      [`${issued} sessions were issued`]: issued === 1,
      "a copy of a session was answered neither 200 nor 401": issued + countOf(replies, 401) === copies,
    }),
  };
}

/** Sends an old set and an old session again while Redis is down and after it has returned empty. */
async function acrossRestart(world: World, both: Both): Promise<Verdict> {
  const [, , loginId = ""] = world.site.loginIds;
  const oldSet = signRequest(both[0], "set", { loginId, ownIdData: "older" });
  const oldSession = signRequest(both[0], "session", { loginId });
  const first = [
    await sendOnce(oldSet),
    await ask.set(both[0], loginId, "newer"),
    await sendOnce(oldSession),
  ];
  const again: Reply[] = [];
  const replayAll = async () => {
    for (const sidecar of both)
      for (const request of [oldSet, oldSession]) again.push(await sendOnce(aimAt(sidecar, request)));
  };
  await world.redis.kill();
  await replayAll();
  await world.redis.start();
  await replayAll();
  for (const sidecar of both) {
    const isBack = async () =>
      (await ask.set(sidecar, world.site.probeLoginId, crypto.randomUUID())).status === 204;
    await untilTrue("sets succeed again", isBack);
  }
  await replayAll();
  const [executions, stored] = [await writtenTimes(world, "older"), await world.site.stored(loginId)];
  const answered = again.filter(({ status }) => status < 400);
  return {
    figures: { "replays across a restart": again.length, "of these refused": again.length - answered.length },
    failures: unless({
      "the first uses did not succeed": first.every(({ status }) => status === 204 || status === 200),
      [`a replay across a restart was answered with ${answered[0]?.status}`]: answered.length === 0,
      [`the old set was executed ${executions} times, and the row holds ${stored}`]:
        executions === 1 && stored === "newer",
    }),
  };
}
