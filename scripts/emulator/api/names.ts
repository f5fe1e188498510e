import { t } from "elysia";

/** The texts by which requests, seeds and states name users and their devices. */

export const LoginId = t.String({ minLength: 1, maxLength: 320 });
/** The name of a device for the person. */
export const DeviceName = t.String({ minLength: 1, maxLength: 60 });
