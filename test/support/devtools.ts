/** A message of the Chrome DevTools Protocol. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

type Parameters = Readonly<Record<string, unknown>>;
type Listener = (params: Parameters) => void;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * A connection to a browser over the Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol),
 * without a library. After it has been closed, every call rejects.
 */
export class DevTools {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<string, Listener[]>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(String(data)) as Message);
    socket.onclose = () => {
      for (const { reject } of this.#pending.values()) reject(new Error("the browser has gone"));
      this.#pending.clear();
    };
  }

  static async connect(url: string): Promise<DevTools> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error(`nothing answers at ${url}`));
    });
    return new DevTools(socket);
  }

  /**
   * Calls a method. The protocol defines the shape of the result, of which the caller declares the part that it reads.
   */
  call<Result = unknown>(method: string, params: Parameters = {}, sessionId?: string): Promise<Result> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error("the browser has gone"));
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject: (reason) => reject(new Error(`${method}: ${reason.message}`)) });
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    return promise as Promise<Result>;
  }

  on(method: string, sessionId: string, listener: Listener): void {
    const key = `${sessionId} ${method}`;
    this.#listeners.set(key, [...(this.#listeners.get(key) ?? []), listener]);
  }

  close(): void {
    this.#socket.close();
  }

  #receive({ id, method, params = {}, result, error, sessionId }: Message): void {
    if (id !== undefined) {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error) pending?.reject(new Error(error.message));
      else pending?.resolve(result);
    } else {
      for (const listener of this.#listeners.get(`${sessionId} ${method}`) ?? []) listener(params);
    }
  }
}
