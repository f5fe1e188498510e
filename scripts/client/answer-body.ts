/** The maximum length of a body. The answers of OwnID's contract are far shorter. */
const bytesMax = 1024 * 1024;

/** The server sent a longer body than this project reads. */
export class AnswerTooLong extends Error {}

/**
 * Reads the body of an answer as text, and gives up on one that would fill the memory.
 *
 * @throws {AnswerTooLong} it is longer than 1 MiB; the connection is closed
 */
export async function readAnswerBody({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new AnswerTooLong();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
