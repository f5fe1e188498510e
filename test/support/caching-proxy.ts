import { createServer, connect as dial, type Socket } from "node:net";
import { freePort } from "../../scripts/servers/free-port.ts";

/**
 * A proxy in front of a Postgres that repeats its answer whenever a SELECT arrives again with the same text and
 * parameters.
 */
export interface CachingProxy extends AsyncDisposable {
  readonly port: number;
  /** Returns how many SELECTs the proxy has answered from its cache. */
  repeated(): number;
}

const typeOf = (message: Buffer) => String.fromCharCode(message[0] ?? 0);

/**
 * Starts the proxy and resolves when it listens on a free loopback port. Its clients must send one statement at a time.
 */
export async function startCachingProxy(targetPort: number): Promise<CachingProxy> {
  const answers = new Map<string, Buffer>();
  const sockets = new Set<Socket>();
  let repeated = 0;

  const listener = createServer({ noDelay: true }, (client) => {
    const server = dial({ host: "127.0.0.1", port: targetPort, noDelay: true });
    const texts = new Map<string, string>();
    let isReady = false;
    let asked: string | null = null;
    let answer: Buffer[] = [];

    /** Returns the text and the parameters of a SELECT, or `null` for anything else. */
    function keyOf(messages: readonly Buffer[]): string | null {
      for (const message of messages.filter((one) => typeOf(one) === "P")) {
        const [name = "", text = ""] = message.subarray(5).toString("latin1").split("\0");
        texts.set(name, text);
      }
      const bind = messages.find((one) => typeOf(one) === "B");
      const [, name = ""] = bind?.subarray(5).toString("latin1").split("\0") ?? [];
      const text = texts.get(name) ?? "";
      const beginsWithBind = messages.map(typeOf).join("").startsWith("B");
      return bind !== undefined && beginsWithBind && /^\s*SELECT/.test(text)
        ? text + bind.toString("latin1")
        : null;
    }

    client.on("data", (packet: Buffer) => {
      asked = isReady ? keyOf(messagesIn(packet)) : null;
      const known = asked === null ? undefined : answers.get(asked);
      if (known === undefined) return void server.write(packet);
      repeated += 1;
      client.write(known);
    });
    server.on("data", (packet: Buffer) => {
      client.write(packet);
      answer.push(packet);
      if (packet.at(-6) !== "Z".charCodeAt(0)) return;
      isReady = true;
      if (asked !== null) answers.set(asked, Buffer.concat(answer));
      answer = [];
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const port = await freePort();
  const { promise, resolve } = Promise.withResolvers<void>();
  listener.listen(port, "127.0.0.1", resolve);
  await promise;

  return {
    port,
    repeated: () => repeated,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}

function messagesIn(packet: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= packet.length; ) {
    const end = at + 1 + packet.readUInt32BE(at + 1);
    messages.push(packet.subarray(at, end));
    at = end;
  }
  return messages;
}
