import { Elysia, t } from "elysia";
import { version } from "../../../package.json";
import { RequestFailed } from "../api/failure.ts";
import { ResendRequest, type WireEvent } from "../api/wire-api.ts";
import { harOf } from "./har.ts";
import { resend } from "./resend.ts";
import type { Wire } from "./wire.ts";
import type { WireLog } from "./wire-log.ts";

/** The routes under `/wire`: the calls as JSON, as an event stream and as HAR, and sending a call again. */
export function wireRoutes(wire: Wire) {
  const { log } = wire;
  return new Elysia({ prefix: "/wire" })
    .get("/", () => ({ calls: log.list() }))
    .delete("/", ({ set }) => {
      log.clear();
      set.status = 204;
    })
    .get("/events", () => eventStream(log))
    .get("/har", ({ set }) => {
      set.headers["content-disposition"] = 'attachment; filename="ownid-calls.har"';
      return harOf(log.list(), version);
    })
    .post(
      "/:id/resend",
      ({ params, body }) => {
        const call = log.find(params.id);
        if (call === null) throw new RequestFailed("not_found", "The log has no call with this id.");
        return resend(call, body, wire);
      },
      { params: t.Object({ id: t.Numeric() }), body: ResendRequest },
    );
}

function eventStream(log: WireLog): Response {
  let end = () => {};
  const stream = new ReadableStream<string>({
    start(controller) {
      // Tells the page that it is connected.
      controller.enqueue(": connected\n\n");
      end = log.follow(({ event, data }: WireEvent) =>
        controller.enqueue(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      );
    },
    cancel: () => end(),
  });
  return new Response(stream, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}
