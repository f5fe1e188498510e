const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @param {Date} time @returns {string} such as `28 Nov 2026, 19:20:05` */
export const timeText = (time) => format.format(time);
