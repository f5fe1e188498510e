import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { tell } from "../../progress.ts";

/** Where the listeners of a sidecar are, as its log says. */
export interface SidecarUrls {
  readonly baseUrl: string;
  readonly opsUrl: string;
}

const LogLine = Type.Object({
  level: Type.String(),
  msg: Type.String(),
  url: Type.Optional(Type.String()),
  requestId: Type.Optional(Type.String()),
});
const grave = ["warn", "error", "fatal"];

/**
 * Reads the log of a sidecar until it ends, and tells its warnings and errors. Calls `onReady` once both listeners are
 * ready. What the log says of a request is not told, since the request is shown with its call.
 */
export async function followSidecarLog(
  stream: ReadableStream<Uint8Array>,
  onReady: (urls: SidecarUrls) => void,
): Promise<void> {
  const urls = new Map<string, string>();
  for await (const line of linesOf(stream)) {
    const entry = entryOf(line);
    if (entry === null) continue;
    const { level, msg, url, requestId } = entry;
    if (grave.includes(level) && requestId === undefined) tell(`sidecar: ${msg}\n`);
    if (url !== undefined) urls.set(msg, url);
    const [baseUrl, opsUrl] = [urls.get("public listener ready"), urls.get("ops listener ready")];
    if (baseUrl !== undefined && opsUrl !== undefined) onReady({ baseUrl, opsUrl });
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function entryOf(line: string) {
  try {
    const content: unknown = JSON.parse(line);
    return Value.Check(LogLine, content) ? content : null;
  } catch {
    return null;
  }
}
