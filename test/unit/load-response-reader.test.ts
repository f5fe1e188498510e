import { describe, expect, test } from "bun:test";
import { type Answer, createResponseReader, ResponseMalformed } from "../../scripts/load/response-reader.ts";

const lines = (...parts: string[]) => parts.join("\r\n");

const body = JSON.stringify({ ownIdData: "x" });

/** Responses that end by themselves, and what they say. */
const responses: Readonly<Record<string, { readonly raw: string; readonly answer: Answer }>> = {
  "a body of known length": {
    raw: lines(
      "HTTP/1.1 200 OK",
      `Content-Length: ${body.length}`,
      "Content-Type: application/json",
      "",
      body,
    ),
    answer: { status: 200, bodyStart: body, isKeptAlive: true },
  },
  "a status without a reason": {
    raw: lines("HTTP/1.1 200", "content-length:0", "", ""),
    answer: { status: 200, bodyStart: "", isKeptAlive: true },
  },
  "a 204 without any length": {
    raw: lines("HTTP/1.1 204 No Content", "Date: now", "", ""),
    answer: { status: 204, bodyStart: "", isKeptAlive: true },
  },
  "a 304 that tells the length of what it does not carry": {
    raw: lines("HTTP/1.1 304 Not Modified", "Content-Length: 400", "", ""),
    answer: { status: 304, bodyStart: "", isKeptAlive: true },
  },
  "chunks, with an extension and a trailer": {
    raw: lines(
      "HTTP/1.1 200 OK",
      "Transfer-Encoding: Chunked",
      "",
      "4;name=value",
      "abcd",
      "A",
      "0123\r\n6789",
      "0",
      "Trailer: yes",
      "",
      "",
    ),
    answer: { status: 200, bodyStart: "abcd0123\r\n6789", isKeptAlive: true },
  },
  "chunks without a trailer": {
    raw: lines("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked", "", "1 ", "a", "0", "", ""),
    answer: { status: 200, bodyStart: "a", isKeptAlive: true },
  },
  "chunks that also tell a length": {
    raw: lines(
      "HTTP/1.1 200 OK",
      "Transfer-Encoding: chunked",
      "Content-Length: 9",
      "",
      "1",
      "a",
      "0",
      "",
      "",
    ),
    answer: { status: 200, bodyStart: "a", isKeptAlive: false },
  },
  "two equal lengths": {
    raw: lines("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 1", "", "a"),
    answer: { status: 200, bodyStart: "a", isKeptAlive: true },
  },
  "a response that is announced": {
    raw: lines(
      "HTTP/1.1 100 Continue",
      "",
      "HTTP/1.1 103 Early Hints",
      "Link: x",
      "",
      "HTTP/1.1 204 No",
      "",
      "",
    ),
    answer: { status: 204, bodyStart: "", isKeptAlive: true },
  },
  "one that closes its connection": {
    raw: lines("HTTP/1.1 503 Not now", "connection: Upgrade, Close", "Content-Length: 2", "", "no"),
    answer: { status: 503, bodyStart: "no", isKeptAlive: false },
  },
  "one of HTTP/1.0": {
    raw: lines("HTTP/1.0 200 OK", "Content-Length: 0", "", ""),
    answer: { status: 200, bodyStart: "", isKeptAlive: false },
  },
  "one of HTTP/1.0 that keeps its connection": {
    raw: lines("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 0", "", ""),
    answer: { status: 200, bodyStart: "", isKeptAlive: true },
  },
};

const names = Object.keys(responses);

function responseOf(name: string) {
  const response = responses[name];
  if (response === undefined) throw new Error(`no response ${name}`);
  return { raw: Buffer.from(response.raw, "latin1"), answer: response.answer };
}

describe("a response reader", () => {
  test.each(names)("reads %s in one piece", (name) => {
    const { raw, answer } = responseOf(name);
    expect(createResponseReader().read(raw)).toEqual(answer);
  });

  test.each(names)("reads %s byte by byte, and knows its end at its last byte", (name) => {
    const { raw, answer } = responseOf(name);
    const reader = createResponseReader();
    for (let index = 0; index < raw.length - 1; index += 1) {
      expect(reader.read(raw.subarray(index, index + 1))).toBeNull();
    }
    expect(reader.read(raw.subarray(raw.length - 1))).toEqual(answer);
  });

  test.each(names)("reads %s split anywhere", (name) => {
    const { raw, answer } = responseOf(name);
    for (let split = 1; split < raw.length; split += 1) {
      const reader = createResponseReader();
      expect(reader.read(raw.subarray(0, split))).toBeNull();
      expect(reader.read(raw.subarray(split))).toEqual(answer);
    }
  });

  test("reads one response after the other, whatever the last one was", () => {
    const reader = createResponseReader();
    for (const name of [...names, ...names.toReversed()]) {
      const { raw, answer } = responseOf(name);
      expect(reader.read(raw)).toEqual(answer);
    }
  });

  test("waits for the end of the connection where nothing else ends the body", () => {
    const reader = createResponseReader();
    expect(reader.read(Buffer.from("HTTP/1.1 200 OK\r\n\r\nsome"))).toBeNull();
    expect(reader.read(Buffer.from(" more"))).toBeNull();
    expect(reader.end()).toEqual({ status: 200, bodyStart: "some more", isKeptAlive: false });
  });

  test("says that a response is cut off where the connection ends within it", () => {
    for (const part of ["", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]) {
      const reader = createResponseReader();
      expect(reader.read(Buffer.from(part))).toBeNull();
      expect(reader.end()).toBeNull();
    }
  });

  test("keeps a kilobyte of a body of any size", () => {
    const reader = createResponseReader();
    const size = 5_000_000;
    expect(reader.read(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`))).toBeNull();
    expect(reader.read(Buffer.alloc(size - 1, "x"))).toBeNull();
    expect(reader.read(Buffer.from("x"))?.bodyStart).toBe("x".repeat(1024));
  });

  test.each([
    ["another protocol", "SSH-2.0-OpenSSH\r\n\r\n"],
    ["HTTP/2 in the clear", "HTTP/2 200\r\n\r\n"],
    ["a status that is none", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
    ["a header that goes on in the next line", "HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\n\r\n"],
    ["two lengths that differ", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ["a chunk whose size is no number", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n"],
    [
      "a chunk that is longer than its size",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ],
    ["more than one response", "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 204 No\r\n\r\n"],
    ["a head without end", `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(20_000)}`],
    ["a line without end", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"1".repeat(70_000)}`],
  ])("refuses %s", (_, raw) => {
    expect(() => createResponseReader().read(Buffer.from(raw))).toThrow(ResponseMalformed);
  });
});
