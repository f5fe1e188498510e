import { shellWord } from "../../src/fix.ts";

export interface CurlRequest {
  readonly method?: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/**
 * Returns the command line that sends exactly this request from a POSIX shell and bypasses any proxy. A body that
 * cannot be an argument, because it is not UTF-8 or contains a NUL, is piped to curl.
 */
export function curlCommand({ method = "POST", url, headers, body }: CurlRequest): string {
  const text = typeof body === "string" ? body : textOf(body);
  const hasBody = method !== "GET" && method !== "HEAD";
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const lines = [
    `curl -si ${method === "POST" ? "" : `-X ${method} `}--noproxy '*' ${shellWord(url)}`,
    ...Object.entries(headers).map(([name, value]) => `  -H ${shellWord(headerArgument(name, value))}`),
    // Without this, curl would send a media type of its own.
    ...(hasBody && !named.has("content-type") ? ["  -H Content-Type:"] : []),
    ...(hasBody ? [text === null ? "  --data-binary @-" : `  --data-raw ${shellWord(text)}`] : []),
  ];
  const command = lines.join(" \\\n");
  if (!hasBody || text !== null) return command;
  return `printf %s ${Buffer.from(body).toString("base64")} | base64 -d |\n${command}`;
}

/** curl sends a header without a value if it ends with a semicolon. With a colon, it omits the header. */
function headerArgument(name: string, value: string): string {
  return value === "" ? `${name};` : `${name}: ${value}`;
}

function textOf(body: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
