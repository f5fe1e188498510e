/** Hints on what to look for if the signature check of a server fails a case. */

export const windowHint =
  "Compare the timestamp, in milliseconds, with your clock: refuse more than 60 s in either direction. Check the clocks.";
export const rawHint =
  "Compute the HMAC over the bytes of the body as they were received, before any JSON parser has seen them.";
export const strictHint =
  "Compare the whole MAC in constant time, and accept one spelling: the base64 of exactly 32 bytes, with padding.";
export const verifyHint =
  'Verify base64(HMAC-SHA256(base64-decoded Shared Secret, body + "." + timestamp)) on every request. ' +
  "scripts/conformance/vectors.json has examples.";
