import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { parseJson } from "../../parse-json.ts";
import { tell } from "../../progress.ts";

/** The addresses of the two listeners, as the log of the sidecar names them. */
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
 * Reads the log of a sidecar until it ends, and prints its warnings and errors, except those about a request, which the
 * log of calls shows. Calls `onReady` when both listeners are ready.
 */
export async function followSidecarLog(
  stream: ReadableStream<Uint8Array>,
  onReady: (urls: SidecarUrls) => void,
): Promise<void> {
  const urls = new Map<string, string>();
  for await (const line of linesOf(stream)) {
    const entry = parseJson(line);
    if (!Value.Check(LogLine, entry)) continue;
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
