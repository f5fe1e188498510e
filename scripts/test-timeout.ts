/**
 * The option of `bun test` that gives each test 30 s, because real servers may have to be installed and started first. A
 * file that sets a default timeout of its own keeps it.
 */
export const testTimeout = "--timeout=30000";
