/** Returns data for the test user that has never been written before. */
export const newTestData = () => JSON.stringify({ conformance: crypto.randomUUID() });

/** Returns a login id that no user has. */
export const newStranger = () => `conformance-${crypto.randomUUID()}@example.com`;

/** Returns whether a run of the conformance command has written the data. */
export const isTestData = (ownIdData: string) => /^\{"conformance":"[\da-f-]{36}"\}$/.test(ownIdData);
