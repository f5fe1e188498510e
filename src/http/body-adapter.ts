import type { ElysiaAdapter } from "elysia";
import { BunAdapter } from "elysia/adapter/bun";

const { composeHandler } = BunAdapter;

/**
 * Elysia's adapter for Bun, in which `parse: "json"` calls the route's own `readBody` and `parse: "urlencoded"` calls
 * `readForm`.
 *
 * Before Elysia calls a parser with a custom name, it accesses `request.body`. Bun then creates a stream that nobody
 * reads, which costs a tenth of a lookup. This adapter avoids that. Without it Elysia would parse a body that nobody
 * has verified, so a signed route must also fail if `readBody` has not been called.
 */
export const bodyAdapter: ElysiaAdapter = {
  ...BunAdapter,
  composeHandler: {
    ...composeHandler,
    // The adapter's contract: each parser is one statement of the handler that Elysia composes. `c` is its context.
    parser: {
      ...composeHandler.parser,
      json: () => "c.body=await c.readBody(c)\n",
      urlencoded: () => "c.body=await c.readForm(c)\n",
    },
  },
};
