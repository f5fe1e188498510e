import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { freePort } from "./free-port.ts";

/** Simulates network faults between a client and a server on loopback. A fault applies to all connections. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Ends every fault except `refuse`. Held bytes are delivered, and swallowed bytes stay lost. */
  passThrough(): void;
  /** Keeps and accepts connections, and loses every byte in both directions, like a partitioned network. */
  blackHole(): void;
  /** Delivers requests, and holds the replies until `releaseReplies`. */
  holdReplies(): void;
  releaseReplies(): void;
  /** Holds requests until `releaseRequests`. */
  holdRequests(): void;
  releaseRequests(): void;
  /** Delays each reply by this time. */
  delay(ms: number): void;
  /** Leads new connections to another port of the target's host. Existing connections stay where they are. */
  leadTo(port: number): void;
  /** Destroys all connections, and loses what was held. New connections are accepted. */
  cut(): void;
  /** Refuses new connections until `accept`. Existing connections stay open. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Returns the number of open client connections. */
  connections(): number;
  /** Counts how often this text is sent to the target from now on, by clients that do not encrypt. */
  countInRequests(text: string): () => number;
  stop(): Promise<void>;
}

/** Starts a proxy on a free loopback port. Each connection to it opens one to the target. */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const proxy = new TcpProxy(target, await freePort());
  await proxy.accept();
  return proxy;
}

class TcpProxy implements FaultProxy {
  readonly port: number;
  #target: { host: string; port: number };
  readonly #connections = new Set<Connection>();
  readonly #faults: Faults = { requests: "open", replies: "open", replyDelayMs: 0 };
  readonly #observers: ((requests: Buffer) => void)[] = [];
  #listener: Server | null = null;

  constructor(target: { host: string; port: number }, port: number) {
    this.#target = target;
    this.port = port;
  }

  passThrough(): void {
    this.#set({ requests: "open", replies: "open", replyDelayMs: 0 });
  }

  blackHole(): void {
    this.#set({ requests: "swallowed", replies: "swallowed" });
  }

  holdReplies(): void {
    this.#set({ replies: "held" });
  }

  releaseReplies(): void {
    this.#set({ replies: "open" });
  }

  holdRequests(): void {
    this.#set({ requests: "held" });
  }

  releaseRequests(): void {
    this.#set({ requests: "open" });
  }

  delay(ms: number): void {
    this.#set({ replyDelayMs: ms });
  }

  leadTo(port: number): void {
    this.#target = { ...this.#target, port };
  }

  cut(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#connections.clear();
  }

  refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    // The end is not awaited, because `close` calls back only when the last connection is gone.
    listener?.close();
    return Promise.resolve();
  }

  accept(): Promise<void> {
    if (this.#listener !== null) return Promise.resolve();
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#connect(client));
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      listener.once("error", reject);
      listener.listen({ host: "127.0.0.1", port: this.port }, () => resolve());
    });
  }

  connections(): number {
    return this.#connections.size;
  }

  countInRequests(text: string): () => number {
    let count = 0;
    this.#observers.push((bytes) => {
      count += bytes.toString("latin1").split(text).length - 1;
    });
    return () => count;
  }

  async stop(): Promise<void> {
    await this.refuse();
    this.cut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #connect(client: Socket): void {
    const upstream = dial({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const connection = new Connection(client, upstream, this.#faults);
    client.on("data", (bytes: Buffer) => {
      for (const observe of this.#observers) observe(bytes);
    });
    this.#connections.add(connection);
    client.on("close", () => this.#connections.delete(connection));
  }

  #set(change: Partial<Faults>): void {
    Object.assign(this.#faults, change);
    for (const connection of this.#connections) connection.apply(this.#faults);
  }
}

/** What happens to the bytes in one direction. */
type Passage = "open" | "held" | "swallowed";

interface Faults {
  requests: Passage;
  replies: Passage;
  replyDelayMs: number;
}

class Connection {
  readonly #sockets: readonly [client: Socket, upstream: Socket];
  readonly #requests: Stream;
  readonly #replies: Stream;

  constructor(client: Socket, upstream: Socket, faults: Faults) {
    this.#sockets = [client, upstream];
    this.#requests = new Stream(client, upstream);
    this.#replies = new Stream(upstream, client);
    this.apply(faults);
  }

  apply(faults: Faults): void {
    this.#requests.set(faults.requests, 0);
    this.#replies.set(faults.replies, faults.replyDelayMs);
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

interface Item {
  readonly content: Buffer | "end" | "reset";
  due: boolean;
}

/** One direction of one connection. It passes the bytes from `from`, and finally its end, to `to` in their order. */
class Stream {
  readonly #to: Socket;
  #waiting: Item[] = [];
  #passage: Passage = "open";
  #delayMs = 0;

  constructor(from: Socket, to: Socket) {
    this.#to = to;
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.on("end", () => this.#take("end"));
    from.on("error", () => this.#take("reset"));
  }

  set(passage: Passage, delayMs: number): void {
    this.#passage = passage;
    this.#delayMs = delayMs;
    // The end of a connection is not swallowed, so that the connection can finish once bytes pass again.
    if (passage === "swallowed") this.#waiting = this.#waiting.filter(({ content }) => isEnd(content));
    this.#deliver();
  }

  #take(content: Item["content"]): void {
    if (this.#passage === "swallowed" && !isEnd(content)) return;
    const item = { content, due: this.#delayMs === 0 };
    this.#waiting.push(item);
    if (item.due) {
      this.#deliver();
      return;
    }
    setTimeout(() => {
      item.due = true;
      this.#deliver();
    }, this.#delayMs);
  }

  #deliver(): void {
    while (this.#passage === "open" && this.#waiting[0]?.due) {
      const content = this.#waiting.shift()?.content;
      if (this.#to.destroyed || content === undefined) return;
      if (content === "reset") this.#to.destroy();
      else if (content === "end") this.#to.end();
      else this.#to.write(content);
    }
  }
}

function isEnd(content: Item["content"]): boolean {
  return content === "end" || content === "reset";
}
