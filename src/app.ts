import { Elysia } from "elysia";
import type { AuditLog } from "./audit/audit-log.ts";
import type { OwnIdDataStore } from "./coherence/ownid-data-store.ts";
import type { UserDirectory } from "./coherence/user-directory.ts";
import { adminCall } from "./http/admin-call.ts";
import { bearerToken } from "./http/bearer-token.ts";
import { bodyAdapter } from "./http/body-adapter.ts";
import { envelope } from "./http/envelope.ts";
import { otherMethods } from "./http/other-methods.ts";
import { adminInvalidate } from "./http/routes/admin-invalidate.ts";
import { adminRevoke } from "./http/routes/admin-revoke.ts";
import { adminUsers } from "./http/routes/admin-users.ts";
import { getOwnIdDataByLoginId } from "./http/routes/get-ownid-data-by-login-id.ts";
import { getSessionByLoginId } from "./http/routes/get-session-by-login-id.ts";
import { health } from "./http/routes/health.ts";
import { introspect } from "./http/routes/introspect.ts";
import { jwks } from "./http/routes/jwks.ts";
import { metricsRoute } from "./http/routes/metrics.ts";
import { sessionExchange } from "./http/routes/session-exchange.ts";
import { setOwnIdDataByLoginId } from "./http/routes/set-ownid-data-by-login-id.ts";
import { verify } from "./http/routes/verify.ts";
import { signedBody } from "./http/signed-body.ts";
import { createUserRevocation } from "./http/user-revocation.ts";
import type { RequestKind } from "./process/counters.ts";
import type { Readiness } from "./process/dependency-watch.ts";
import type { Logger } from "./process/logger.ts";
import type { Metrics } from "./process/metrics.ts";
import type { LoginIdCase } from "./protocol/login-id.ts";
import type { VerifySignature } from "./protocol/signature.ts";
import type { ReplayGuard } from "./replay/replay-guard.ts";
import type { SessionService } from "./sessions/session-service.ts";

export interface AppDependencies extends SessionService {
  readonly basePath: string;
  readonly bodyBytesMax: number;
  readonly loginIdCase: LoginIdCase;
  readonly requireSessionType: boolean;
  readonly compatErrorCode404: boolean;
  readonly jwksMaxAgeSeconds: number;
  readonly verifySignature: VerifySignature;
  readonly store: OwnIdDataStore;
  readonly replayGuard: ReplayGuard;
  readonly sessionCookie: string;
  readonly findUser: UserDirectory["find"];
  readonly readiness: Readiness;
  /** Called for every request, because the token's file may change. Whether there is a token at all does not change. */
  readonly adminToken: () => string | null;
  readonly backendToken: () => string | null;
  readonly metrics: Metrics;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

/**
 * Bun would answer a larger body itself, without a problem body. `signed-body.ts` refuses large bodies long before
 * this limit.
 */
const maxRequestBodySize = Number.MAX_SAFE_INTEGER;
const serve = { maxRequestBodySize, reusePort: false, development: false };
/** By default, Elysia looks for the path after the eleventh character of the URL, which fails for a short host name. */
const handler = { standardHostname: false };
/**
 * By default, Elysia copies every body and every answer without the fields that their schemas do not name. Nothing is
 * dropped here: unknown fields of a body are not read, and an answer has none.
 */
const normalize = false;

const countedOnOps: ReadonlyMap<string, RequestKind> = new Map([
  ["/verify", "verify"],
  ["/verify/*", "verify"],
  ["/introspect", "introspect"],
  ["/session/exchange", "exchange"],
  ["/admin/invalidate", "invalidate"],
  ["/admin/revoke", "revoke"],
  ["/admin/users/:loginId", "user"],
]);

/** The application of either listener. */
export type Listener = ReturnType<typeof createPublicApp> | ReturnType<typeof createOpsApp>;

/** Composes both listeners from their dependencies. Opens nothing and does not read the environment. */
export function createApp(dependencies: AppDependencies) {
  return { publicApp: createPublicApp(dependencies), opsApp: createOpsApp(dependencies) };
}

function createPublicApp(dependencies: AppDependencies) {
  const { basePath, readiness, sessions, jwksMaxAgeSeconds } = dependencies;
  const signed = signedBody(dependencies);
  const keys = jwks({ sessions, maxAgeSeconds: jwksMaxAgeSeconds });
  const endpoints = new Elysia({ prefix: basePath })
    .use(setOwnIdDataByLoginId({ ...dependencies, signed }))
    .use(getOwnIdDataByLoginId({ ...dependencies, signed }))
    .use(getSessionByLoginId({ ...dependencies, signed }))
    .use(otherMethods("POST", "/setOwnIDDataByLoginId", "/getOwnIDDataByLoginId", "/getSessionByLoginId"));
  return new Elysia({ serve, handler, normalize, adapter: bodyAdapter })
    .use(envelope({ ...dependencies, isDraining: readiness.isDraining, counted: countedOnPublic(basePath) }))
    .use(endpoints)
    .use(keys)
    .use(basePath === "" ? new Elysia() : new Elysia({ prefix: basePath }).use(keys))
    .use(otherMethods("GET, HEAD", "/.well-known/jwks.json", `${basePath}/.well-known/jwks.json`));
}

function countedOnPublic(basePath: string): ReadonlyMap<string, RequestKind> {
  return new Map([
    [`${basePath}/setOwnIDDataByLoginId`, "set"],
    [`${basePath}/getOwnIDDataByLoginId`, "get"],
    [`${basePath}/getSessionByLoginId`, "session"],
    ["/.well-known/jwks.json", "keys"],
    [`${basePath}/.well-known/jwks.json`, "keys"],
  ]);
}

function createOpsApp(dependencies: AppDependencies) {
  const { readiness, metrics } = dependencies;
  const { isDraining } = readiness;
  return new Elysia({ serve, handler, adapter: bodyAdapter })
    .use(envelope({ ...dependencies, compatErrorCode404: false, isDraining, counted: countedOnOps }))
    .use(health(readiness))
    .use(metricsRoute(metrics))
    .use(verify(dependencies))
    .use(adminRoutes(dependencies))
    .use(backendRoutes(dependencies))
    .use(otherMethods("GET, HEAD", "/livez", "/readyz", "/metrics"));
}

/** The routes for the site's operators. They do not exist without `ADMIN_TOKEN`. */
function adminRoutes(dependencies: AppDependencies) {
  const { adminToken, audit } = dependencies;
  const admin = bearerToken({
    name: "admin",
    tokens: () => [adminToken()],
    absence: "no ADMIN_TOKEN",
    onRefused: (request, outcome) => audit.write({ ...adminCall(request), actor: "unknown", outcome }),
  });
  const revokeUser = createUserRevocation(dependencies);
  const routes = new Elysia()
    .use(adminInvalidate({ ...dependencies, admin }))
    .use(adminRevoke({ ...dependencies, admin, revokeUser }))
    .use(adminUsers({ ...dependencies, admin, revokeUser }));
  if (adminToken() === null) return routes;
  return routes
    .use(otherMethods("POST", "/admin/invalidate", "/admin/revoke"))
    .use(otherMethods("GET, HEAD, DELETE", "/admin/users/:loginId"));
}

/** The routes for the site's backend. They do not exist without `BACKEND_TOKEN` or `ADMIN_TOKEN`. */
function backendRoutes(dependencies: AppDependencies) {
  const tokens = () => [dependencies.backendToken(), dependencies.adminToken()];
  const backend = bearerToken({ name: "backend", tokens, absence: "no BACKEND_TOKEN" });
  const routes = new Elysia()
    .use(introspect({ ...dependencies, backend }))
    .use(sessionExchange({ ...dependencies, backend }));
  if (tokens().every((token) => token === null)) return routes;
  return routes.use(otherMethods("POST", "/introspect", "/session/exchange"));
}
