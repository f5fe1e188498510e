import { Elysia } from "elysia";
import { RequestFailed } from "../api/failure.ts";
import {
  RegisterRequest,
  RemoveSiteDeviceRequest,
  type SiteDevices,
  SiteLoginRequest,
  type SiteSession,
} from "../api/site-api.ts";
import type { Platform } from "../platform/platform.ts";
import type { Site } from "./site.ts";
import { createSiteSessions } from "./site-sessions.ts";

export interface SiteRoutesOptions extends Pick<Site, "rows" | "checkSession"> {
  /** The part of the platform that the backend of the site uses. */
  readonly platform: Pick<Platform, "listDevices" | "removeDevice" | "issueToken">;
}

/** The routes under `/site`: the backend of the demo site. */
export function siteRoutes({ rows, checkSession, platform }: SiteRoutesOptions) {
  const sessions = createSiteSessions();

  return new Elysia({ prefix: "/site" })
    .post(
      "/register",
      async ({ body: { loginId, ownIdData = null }, set }) => {
        await rows.insert({ loginId, ownIdData, blocked: false });
        const authToken = platform.issueToken(loginId);
        const session: SiteSession = { loginId, signedInBy: "registration", authToken, token: null };
        set.headers["set-cookie"] = sessions.open(session);
        set.status = 201;
        return session;
      },
      { body: RegisterRequest },
    )
    .post(
      "/login",
      async ({ body, set }) => {
        const { subject, ...token } = await checkSession(body.session);
        const loginId = await rows.findBySubject(subject);
        if (loginId === null) throw new RequestFailed("authorization_invalid", "The session names no user.");
        const authToken = platform.issueToken(loginId);
        const session: SiteSession = { loginId, signedInBy: "ownid", authToken, token };
        set.headers["set-cookie"] = sessions.open(session);
        return session;
      },
      { body: SiteLoginRequest },
    )
    .post("/logout", ({ request, set }) => {
      set.headers["set-cookie"] = sessions.close(request);
      set.status = 204;
    })
    .get("/session", ({ request }) => sessions.current(request))
    .get("/devices", async ({ request }): Promise<SiteDevices> => {
      const { loginId } = sessions.current(request);
      return { devices: await platform.listDevices(loginId) };
    })
    .post(
      "/devices/remove",
      async ({ request, body }): Promise<SiteDevices> => {
        const { loginId } = sessions.current(request);
        return { devices: await platform.removeDevice(loginId, body.deviceId) };
      },
      { body: RemoveSiteDeviceRequest },
    );
}
