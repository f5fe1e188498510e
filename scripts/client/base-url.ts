import { UsageWrong } from "../command.ts";

export interface BaseUrlRules {
  /** What a refusal calls the address, such as `--url`. */
  readonly argument: string;
  readonly takesTls: boolean;
}

/**
 * Parses the address that the three endpoints are below.
 *
 * @throws {UsageWrong} it is no such address
 */
export function parseBaseUrl(text: string, { argument, takesTls }: BaseUrlRules): URL {
  const url = URL.parse(text);
  if (url?.protocol !== "http:" && !(takesTls && url?.protocol === "https:")) {
    throw new UsageWrong(
      `${argument} takes an address that begins with http://${takesTls ? " or https://" : ""}, such as ` +
        `http://127.0.0.1:3300/ownid.${takesTls ? "" : " TLS ends in front of the sidecar."}`,
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new UsageWrong(`${argument} takes an address without user, query and fragment.`);
  }
  return url;
}

/** Returns the address without a slash at its end. */
export function baseUrlText({ origin, pathname }: URL): string {
  return origin + pathname.replace(/\/+$/, "");
}
