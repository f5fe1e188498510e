/**
 * `fetch` for a sidecar's own listeners. It never goes through the proxy that HTTP_PROXY or HTTPS_PROXY names: a proxy
 * cannot reach this machine's loopback addresses, and must not see signed requests.
 */
export function fetchDirect(url: string, init: BunFetchRequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, proxy: false });
}
