import { Elysia } from "elysia";
import {
  BlockRequest,
  type ControlFacts,
  ControlRequest,
  EmulatorState,
  NextCallRequest,
  RemoveDeviceRequest,
} from "../api/control-api.ts";
import type { BlockUser } from "../site/block-user.ts";
import type { PlannedFaults } from "../wire/planned-faults.ts";
import type { State } from "./state.ts";
import type { Steps } from "./steps.ts";

export interface ControlRoutesOptions {
  readonly steps: Steps;
  readonly state: State;
  readonly plannedFaults: PlannedFaults;
  readonly block: BlockUser;
  facts(): ControlFacts;
}

/** The routes under `/control`, for tests without a browser. */
export function controlRoutes({ steps, state, plannedFaults, block, facts }: ControlRoutesOptions) {
  const body = ControlRequest;
  // Not normalized, so that a misspelled fault is refused instead of dropped.
  return new Elysia({ prefix: "/control", normalize: false })
    .get("/", () => facts())
    .post(
      "/register",
      ({ body, set }) => {
        set.status = 201;
        return steps.register(body);
      },
      { body },
    )
    .post("/login", ({ body }) => steps.login(body), { body })
    .post("/enrol", ({ body }) => steps.enrol(body), { body })
    .post("/recover", ({ body }) => steps.recover(body), { body })
    .post("/remove-device", ({ body }) => steps.removeDevice(body), { body: RemoveDeviceRequest })
    .post(
      "/block",
      async ({ body: { loginId, blocked }, set }) => {
        await block(loginId, blocked);
        set.status = 204;
      },
      { body: BlockRequest },
    )
    .post(
      "/next-call",
      ({ body, set }) => {
        plannedFaults.plan(body);
        set.status = 204;
      },
      { body: NextCallRequest },
    )
    .delete("/next-call", ({ set }) => {
      plannedFaults.clear();
      set.status = 204;
    })
    .get("/state", () => state.export())
    .put(
      "/state",
      async ({ body, set }) => {
        await state.import(body);
        set.status = 204;
      },
      { body: EmulatorState },
    );
}
