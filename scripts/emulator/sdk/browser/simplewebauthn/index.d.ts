/** The emulator serves `@simplewebauthn/browser` from node_modules/ under this path. */
export * from "@simplewebauthn/browser";
