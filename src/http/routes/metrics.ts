import { Elysia } from "elysia";
import type { Metrics } from "../../process/metrics.ts";

/** For Prometheus. */
export function metricsRoute(metrics: Metrics) {
  return new Elysia().get("/metrics", async ({ set }) => {
    set.headers["content-type"] = metrics.contentType;
    return metrics.text();
  });
}
