/** What a load test needs to know of a response. */
export interface Answer {
  readonly status: number;
  /** The first kilobyte of the body, which is enough to judge it. */
  readonly bodyStart: string;
  /** Whether the connection may carry another request. */
  readonly isKeptAlive: boolean;
}

/** The received bytes are not one HTTP/1.1 response. The connection cannot be used any longer. */
export class ResponseMalformed extends Error {}

export interface ResponseReader {
  /**
   * Reads the next bytes received, however they are split. Returns the response once it is complete, and `null` before.
   * Bytes after that belong to the next response.
   *
   * @throws {ResponseMalformed}
   */
  read(piece: Buffer): Answer | null;
  /** Call this when the other side has closed. Returns the response if its end is marked by closing the connection. */
  end(): Answer | null;
}

interface Head {
  readonly status: number;
  readonly isKeptAlive: boolean;
  readonly body: "none" | "chunked" | "until close" | number;
}

const headBytesMax = 65_536;
const bodyStartBytesMax = 1024;
const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");
const nothing = Buffer.alloc(0);

/** Reads the responses of one connection that carries one request at a time (RFC 9112). */
export function createResponseReader(): ResponseReader {
  let rest: Buffer = nothing;
  let head: Head | null = null;
  let chunk: "size" | "data" | "trailer" = "size";
  let bytesLeft = 0;
  let bodyStart = "";

  function keepStart(bytes: Buffer): void {
    const room = bodyStartBytesMax - bodyStart.length;
    if (room > 0) bodyStart += bytes.toString("latin1", 0, room);
  }

  /** Reads as many bytes of the body as have arrived and belong to it. Returns whether the body is complete. */
  function takeCounted(): boolean {
    const bytes = rest.subarray(0, bytesLeft);
    keepStart(bytes);
    bytesLeft -= bytes.length;
    rest = rest.subarray(bytes.length);
    return bytesLeft === 0;
  }

  function takeLine(): string | null {
    const end = rest.indexOf(lineEnd);
    if (end === -1 && rest.length > headBytesMax) throw new ResponseMalformed("a line is too long");
    if (end === -1) return null;
    const line = rest.toString("latin1", 0, end);
    rest = rest.subarray(end + lineEnd.length);
    return line;
  }

  function takeChunks(): boolean {
    for (;;) {
      if (chunk === "data") {
        if (!takeCounted()) return false;
        if (rest.length < lineEnd.length) return false;
        if (takeLine() !== "") throw new ResponseMalformed("a chunk is longer than its size");
        chunk = "size";
      }
      const line = takeLine();
      if (line === null) return false;
      if (chunk === "trailer") {
        if (line === "") return true;
        continue;
      }
      bytesLeft = parseChunkSize(line);
      chunk = bytesLeft === 0 ? "trailer" : "data";
    }
  }

  function takeHead(): Head | null {
    for (;;) {
      const end = rest.indexOf(headEnd);
      if (end > headBytesMax || (end === -1 && rest.length > headBytesMax)) {
        throw new ResponseMalformed("the head is too long");
      }
      if (end === -1) return null;
      const parsed = parseHead(rest.toString("latin1", 0, end));
      rest = rest.subarray(end + headEnd.length);
      // Informational responses such as 100 Continue precede the final response.
      if (parsed.status >= 200) return parsed;
    }
  }

  function isBodyComplete(): boolean {
    if (head === null || head.body === "until close") {
      keepStart(rest);
      rest = nothing;
      return false;
    }
    return head.body === "none" || (head.body === "chunked" ? takeChunks() : takeCounted());
  }

  function finish({ status, isKeptAlive }: Head): Answer {
    const answer = { status, bodyStart, isKeptAlive };
    head = null;
    chunk = "size";
    bodyStart = "";
    return answer;
  }

  return {
    read(piece) {
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      if (head === null) {
        head = takeHead();
        if (head === null) return null;
        if (typeof head.body === "number") bytesLeft = head.body;
      }
      if (!isBodyComplete()) return null;
      if (rest.length > 0) throw new ResponseMalformed("more arrived than one response");
      return finish(head);
    },

    end() {
      return head?.body === "until close" ? finish(head) : null;
    },
  };
}

function parseHead(text: string): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, statusText] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(first) ?? [];
  if (minor === undefined) throw new ResponseMalformed("it does not begin as a response does");
  const status = Number(statusText);
  let connection = "";
  let coding = "";
  let length: string | null = null;
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1 || /[\s]/.test(line.slice(0, colon))) throw new ResponseMalformed("a header is malformed");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "connection") connection += `,${value.toLowerCase()}`;
    if (name === "transfer-encoding") coding += `,${value.toLowerCase()}`;
    if (name === "content-length") {
      if (!/^\d{1,15}$/.test(value) || (length !== null && length !== value)) {
        throw new ResponseMalformed("its length is not clear");
      }
      length = value;
    }
  }
  const tokens = connection.split(",").map((token) => token.trim());
  const body = bodyOf(status, coding, length);
  const isPersistent = minor === "1" ? !tokens.includes("close") : tokens.includes("keep-alive");
  // If both are present, an intermediary may have read the length differently (RFC 9112, section 6.3).
  const isAmbiguous = coding !== "" && length !== null;
  return { status, isKeptAlive: isPersistent && body !== "until close" && !isAmbiguous, body };
}

function bodyOf(status: number, coding: string, length: string | null): Head["body"] {
  if (status < 200 || status === 204 || status === 304) return "none";
  if (coding !== "") return /,\s*chunked\s*$/.test(coding) ? "chunked" : "until close";
  if (length === null) return "until close";
  return length === "0" ? "none" : Number(length);
}

function parseChunkSize(line: string): number {
  const [, size] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line) ?? [];
  if (size === undefined) throw new ResponseMalformed("a chunk's size is not clear");
  return Number.parseInt(size, 16);
}
