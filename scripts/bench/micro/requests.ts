import { TypeCompiler } from "@sinclair/typebox/compiler";
import { Value } from "@sinclair/typebox/value";
import { bench, do_not_optimize, group, summary } from "mitata";
import { parseLoginId } from "../../../src/protocol/login-id.ts";
import { GetOwnIdDataRequest } from "../../../src/protocol/messages.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const raw = new TextEncoder().encode(JSON.stringify({ loginId: "user123456@example.com" }));

/** From the bytes of a lookup's body to its login id, step upon step. */
export function benchRequests(): void {
  const schema = TypeCompiler.Compile(GetOwnIdDataRequest);
  const parse = (): unknown => JSON.parse(utf8.decode(raw));
  const steps = {
    "UTF-8 and JSON": parse,
    "… and the schema, compiled as Elysia does": () => schema.Check(parse()),
    "… and the schema, not compiled": () => Value.Check(GetOwnIdDataRequest, parse()),
    "… and the schema and the login id": () => {
      const body = parse();
      return schema.Check(body) ? parseLoginId(body.loginId, "exact") : null;
    },
  };
  if (steps["… and the schema and the login id"]() !== "user123456@example.com") {
    throw new Error("the body is not understood");
  }
  group("parse the body of a lookup", () =>
    summary(() => {
      for (const [name, step] of Object.entries(steps)) {
        bench(`body of a lookup: ${name}`, () => do_not_optimize(step()));
      }
    }),
  );
}
