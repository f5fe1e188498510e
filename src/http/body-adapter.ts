import type { ElysiaAdapter } from "elysia";
import { BunAdapter } from "elysia/adapter/bun";

const { composeHandler } = BunAdapter;

/**
 * Elysia on Bun, where `parse: "json"` stands for the route's own `readBody`, and `parse: "urlencoded"` for `readForm`. Elysia looks at `request.body` before it
 * calls a parser that has a name of its own; Bun then makes a stream of the body, which nobody reads, and which costs a
 * tenth of a lookup. Without this adapter Elysia would parse a body that nobody has verified, so a signed route must
 * also fail where `readBody` has not been called.
 */
export const bodyAdapter: ElysiaAdapter = {
  ...BunAdapter,
  composeHandler: {
    ...composeHandler,
    // The adapter's contract: a statement of the handler that Elysia composes, in which `c` is the context.
    parser: {
      ...composeHandler.parser,
      json: () => "c.body=await c.readBody(c)\n",
      urlencoded: () => "c.body=await c.readForm(c)\n",
    },
  },
};
