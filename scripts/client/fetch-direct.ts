/**
 * Works like `fetch`, but never uses the proxy of HTTP_PROXY or HTTPS_PROXY, for a sidecar's own listeners. A proxy
 * cannot reach this machine's loopback addresses, and must not see signed requests.
 */
export function fetchDirect(url: string, init: BunFetchRequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, proxy: false });
}
