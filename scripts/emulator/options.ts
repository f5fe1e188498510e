import { UsageWrong } from "../command.ts";
import { isLoopback } from "../doctor/check.ts";

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
const portMax = 65_535;

/** @throws {UsageWrong} */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= portMax) return port;
  throw new UsageWrong(`--port takes a number from 0 to ${portMax}; 0 takes a free port.`);
}

/** The address of endpoints on this machine, without a slash at its end. @throws {UsageWrong} */
export function parseBaseUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== "http:") {
    throw new UsageWrong(
      "--url takes the http:// address of the endpoints, such as http://127.0.0.1:3300/ownid.",
    );
  }
  if (!isLoopback(url.hostname))
    throw new UsageWrong("--url: the emulator calls endpoints on this machine only.");
  return text.replace(/\/+$/, "");
}

/** @throws {UsageWrong} */
export function parseOrigin(text: string): string {
  const url = URL.parse(text);
  if (url !== null && url.origin !== "null" && (text === url.origin || text === `${url.origin}/`))
    return url.origin;
  throw new UsageWrong(
    "--origin takes the origin of a site under test, such as https://dev.example.test:8443.",
  );
}
