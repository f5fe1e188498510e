import { createServer, connect as dial, type Socket } from "node:net";
import { freePort } from "./free-port.ts";

/** What happens to an UPDATE whose client is told that the server was lost. */
export type Fate = "dropped" | "done" | "done later";

/**
 * Simulates a database proxy between a client and a MariaDB that loses its server in the middle of a statement. The
 * client gets an error packet, whatever happens to the statement.
 */
export interface ErrorProxy extends AsyncDisposable {
  readonly port: number;
  /** Answers the next UPDATE on any connection with this error, and gives it this fate. */
  loseNextUpdate(errorNumber: number, fate: Fate, laterMs?: number): void;
  /** Returns how many UPDATEs have been answered with an error so far. */
  lost(): number;
}

interface Loss {
  readonly errorNumber: number;
  readonly fate: Fate;
  readonly laterMs: number;
}

/** Starts the proxy on a free loopback port. `isUpdate` recognizes an UPDATE by the bytes that execute it. */
export async function startErrorProxy(
  targetPort: number,
  isUpdate: (packet: Buffer) => boolean,
): Promise<ErrorProxy> {
  const losses: Loss[] = [];
  const sockets = new Set<Socket>();
  let lost = 0;

  function lose(client: Socket, server: Socket, packet: Buffer, { errorNumber, fate, laterMs }: Loss): void {
    lost += 1;
    client.end(errorPacket(errorNumber));
    // The answer of the server is discarded.
    server.removeAllListeners("data");
    server.on("data", () => {});
    if (fate !== "dropped") setTimeout(() => server.write(packet), fate === "done" ? 0 : laterMs);
    setTimeout(() => server.destroy(), laterMs + serverLingersMs);
  }

  const listener = createServer({ noDelay: true }, (client) => {
    const server = dial({ host: "127.0.0.1", port: targetPort, noDelay: true });
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    let isWaiting = false;
    let isLost = false;
    client.on("data", (packet: Buffer) => {
      if (isLost) return;
      const [loss] = losses;
      if (loss !== undefined && !isWaiting && isUpdate(packet)) {
        losses.shift();
        isLost = true;
        lose(client, server, packet, loss);
        return;
      }
      isWaiting = true;
      server.write(packet);
    });
    server.on("data", (packet) => {
      isWaiting = false;
      client.write(packet);
    });
    client.on("close", () => {
      if (!isLost) server.destroy();
    });
    server.on("close", () => client.destroy());
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen({ host: "127.0.0.1", port }, resolve);
  });

  return {
    port,
    loseNextUpdate: (errorNumber, fate, laterMs = 0) => void losses.push({ errorNumber, fate, laterMs }),
    lost: () => lost,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const serverLingersMs = 1000;

/** Returns an ERR packet of the MySQL protocol that is the first answer to a command. */
function errorPacket(errorNumber: number): Buffer {
  const text = Buffer.from("#HY000Lost connection to MySQL server during query");
  const payload = Buffer.concat([Buffer.from([0xff, errorNumber & 0xff, errorNumber >> 8]), text]);
  const header = Buffer.from([payload.length, 0, 0, 1]);
  return Buffer.concat([header, payload]);
}
