import type { GuardedRequest } from "./bearer-token.ts";
import { requestIdOf } from "./request-id.ts";

/** Returns the entry of the audit log for a call of `/admin/…`, without the outcome. */
export function adminCall({ request, route, set }: GuardedRequest) {
  const call = `${request.method} ${route.replaceAll(/:(\w+)/g, "{$1}")}`;
  return { event: "admin_call", actor: "admin", call, requestId: requestIdOf(set) } as const;
}
