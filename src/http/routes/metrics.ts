import { Elysia } from "elysia";
import type { Metrics } from "../../process/metrics.ts";

/** `GET /metrics`, for Prometheus. */
export function metricsRoute(metrics: Metrics) {
  return new Elysia().get("/metrics", async ({ set }) => {
    set.headers["content-type"] = metrics.contentType;
    return metrics.text();
  });
}
