import { Elysia } from "elysia";
import { MethodNotAllowed } from "../errors.ts";

/** Answers every other method with 405 and the allowed methods (RFC 9110, section 15.5.6). */
export function otherMethods(allow: string, ...paths: readonly string[]) {
  const routes = new Elysia();
  for (const path of paths) {
    routes.all(
      path,
      ({ set }) => {
        set.headers.allow = allow;
        throw new MethodNotAllowed();
      },
      { parse: "none", detail: { hide: true } },
    );
  }
  return routes;
}
