import { connect, type Socket } from "node:net";
import type { SignedRequest } from "./signed-client.ts";

const deadlineMs = 5000;

export interface RawAnswer {
  readonly status: number;
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether the server closed the connection afterwards, as long as it was watched. */
  readonly closed: boolean;
}

export interface RawExchange {
  /** Sent as they are, one after the other: the head of a request, and as much of a body as the test wants. */
  readonly parts: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
  /** Waits until the server closes the connection. Otherwise the first complete answer ends the exchange. */
  readonly untilClosed?: boolean;
  /** Closes the connection once everything is sent. */
  readonly hangUp?: boolean;
  /** Whether the answer ends with its head, like one to HEAD. */
  readonly withoutBody?: boolean;
}

/** Sends bytes that no HTTP client would send, and reads the first answer. */
export function exchangeRaw(
  origin: string,
  { parts, untilClosed = false, withoutBody = false, hangUp = false }: RawExchange,
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port) });
  let received = Buffer.alloc(0);
  const alarm = setTimeout(() => end(() => reject(new Error(`no answer, only: ${received}`))), deadlineMs);

  function end(settle: () => void): void {
    clearTimeout(alarm);
    socket.destroy();
    settle();
  }

  function finish(closed: boolean): void {
    const answer = parseAnswer(received, withoutBody);
    if (!closed && (answer === null || untilClosed)) return;
    end(() =>
      answer === null ? reject(new Error(`not an answer: ${received}`)) : resolve({ ...answer, closed }),
    );
  }

  socket.on("data", (chunk) => {
    received = Buffer.concat([received, typeof chunk === "string" ? Buffer.from(chunk) : chunk]);
    finish(false);
  });
  socket.on("close", () => finish(true));
  // A server may answer and close the connection while the rest is still being sent.
  socket.on("error", () => {});
  socket.on("connect", async () => {
    await writeAll(socket, parts);
    if (hangUp) socket.end();
  });
  return promise;
}

/** Writes the parts as fast as the server reads them, until the connection is closed. */
async function writeAll(socket: Socket, parts: RawExchange["parts"]): Promise<void> {
  for await (const part of parts) {
    if (socket.destroyed) return;
    if (!socket.write(part))
      await new Promise((resume) => socket.once("drain", resume).once("close", resume));
  }
}

/** Returns a signed request as bytes, with additional header lines, each ended by CRLF. */
export function rawRequest({ method, url, headers, body }: SignedRequest, extra = "") {
  const { host, pathname } = new URL(url);
  const lines = Object.entries({ host, ...headers, "content-length": String(body.length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const parts: readonly [string, Uint8Array] = [
    `${method} ${pathname} HTTP/1.1\r\n${head}${extra}\r\n`,
    body,
  ];
  return { parts };
}

/** Returns `null` until the answer is complete. */
function parseAnswer(received: Buffer, withoutBody: boolean): Omit<RawAnswer, "closed"> | null {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [statusLine = "", ...lines] = received.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const body = received.subarray(headEnd + 4);
  const length = withoutBody ? 0 : Number(headers["content-length"] ?? 0);
  if (body.length < length) return null;
  return { status: Number(statusLine.split(" ")[1]), headers, body: body.subarray(0, length).toString() };
}
