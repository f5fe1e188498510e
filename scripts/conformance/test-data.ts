/** Returns data for the test user that has never been written before. */
export const newTestData = () => JSON.stringify({ conformance: crypto.randomUUID() });

/** Returns whether a run of the conformance command has written the data. */
export const isTestData = (ownIdData: string) => /^\{"conformance":"[\da-f-]{36}"\}$/.test(ownIdData);
