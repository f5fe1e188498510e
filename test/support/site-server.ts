import { createServer, type Socket } from "node:net";
import { createSiteEndpoint, type SiteEndpointOptions } from "../../src/sessions/site-endpoint.ts";
import { siteService } from "../../src/sessions/site-sessions.ts";
import type { SubjectRules } from "../../src/sessions/subject.ts";

/** A site's endpoint on loopback whose behavior a test determines byte by byte. */
export interface SiteServer extends AsyncDisposable {
  readonly url: string;
  /** The requests that arrived, with head and body, in order. */
  readonly requests: readonly string[];
  /** Returns the number of connections from which they came. */
  connections(): number;
  /** Refuses new connections from now on. */
  stopListening(): void;
}

export type Behave = (socket: Socket, nth: number) => void;

/**
 * Starts the endpoint.
 *
 * @param behave is called for each request after it has arrived completely; `nth` counts from 1
 */
export async function startSite(behave: Behave): Promise<SiteServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let received = "";
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (!isComplete(received)) return;
      requests.push(received);
      received = "";
      behave(socket, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the site has no port");
  return {
    url: `http://127.0.0.1:${address.port}/session`,
    requests,
    connections: () => connections,
    stopListening: () => void server.close(),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function isComplete(received: string): boolean {
  const [head = "", body] = received.split("\r\n\r\n");
  return body !== undefined && body.length >= Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
}

export function answering(body: string, { status = 200, head = "" } = {}): Behave {
  const bytes = Buffer.byteLength(body);
  return (socket) =>
    void socket.write(`HTTP/1.1 ${status} X\r\n${head}Content-Length: ${bytes}\r\n\r\n${body}`);
}

/** Returns the headers and the parsed body of a request. */
export function partsOf(request: string) {
  const [head = "", body = ""] = request.split("\r\n\r\n");
  const [line = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(
    lines.map((text) => text.split(/: */, 2)).map(([name = "", value = ""]) => [name.toLowerCase(), value]),
  );
  return { line, headers, body: Buffer.from(body, "latin1").toString("utf8") };
}

export const siteSecret = new Uint8Array(Buffer.from("the secret of the site's endpoint", "utf8"));

/** Returns what an application needs for `SESSION_PROVIDER=http`. */
export function sessionsOfSite(
  url: string,
  { subjectColumn = null, claims = [], ...options }: Partial<SiteEndpointOptions & SubjectRules> = {},
) {
  const defaults = { url, timeoutMs: 1000, secrets: () => [siteSecret], now: Date.now };
  return siteService(createSiteEndpoint({ ...defaults, ...options }), { subjectColumn, claims });
}
