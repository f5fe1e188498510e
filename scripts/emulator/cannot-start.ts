/** The run could not begin. `message` names the cause and the fix. */
export class CannotStart extends Error {}
