import { isLoopback } from "../../src/config/loopback.ts";
import { baseUrlText, parseBaseUrl } from "../client/base-url.ts";
import { UsageWrong } from "../command.ts";
import { parseInteger } from "../quantities.ts";

export const emulatorOptions = {
  port: { type: "string" },
  url: { type: "string" },
  origin: { type: "string", multiple: true },
  seed: { type: "string" },
  state: { type: "string" },
  code: { type: "string", default: "123456" },
  json: { type: "boolean", default: false },
} as const;

export const defaultPort = 4000;

/** Parses the port to listen on. With 0, the system chooses a free one. @throws {UsageWrong} */
export function parsePort(text: string): number {
  return parseInteger("port", text, { least: 0, most: 65_535 });
}

/** Returns the address of endpoints on this machine, without a slash at its end. @throws {UsageWrong} */
export function parseLocalBaseUrl(text: string): string {
  const url = parseBaseUrl(text, { argument: "--url", takesTls: false });
  if (!isLoopback(url.hostname))
    throw new UsageWrong("--url: the emulator calls endpoints on this machine only.");
  return baseUrlText(url);
}

/** Returns an origin without a slash at its end. @throws {UsageWrong} */
export function parseOrigin(text: string): string {
  const url = URL.parse(text);
  if (url !== null && url.origin !== "null" && (text === url.origin || text === `${url.origin}/`))
    return url.origin;
  throw new UsageWrong(
    "--origin takes the origin of a site under test, such as https://dev.example.test:8443.",
  );
}
