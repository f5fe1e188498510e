import { Elysia } from "elysia";
import type { Readiness } from "../../process/dependency-watch.ts";

/** `GET /livez` says that the process works, `GET /readyz` whether to send it requests. */
export function health(readiness: Readiness) {
  return new Elysia()
    .get("/livez", () => ({ status: "ok", dependencies: readiness.report().dependencies }))
    .get("/readyz", ({ set }) => {
      const report = readiness.report();
      if (report.status !== "ok" && report.status !== "degraded") set.status = 503;
      return report;
    });
}
