import { BodyTooLarge, MediaTypeUnsupported } from "../errors.ts";

/**
 * Reads the bytes of a body. Media type and declared length are checked before any byte is read; a length that is not
 * declared is checked while reading. Wrong headers throw immediately and do not reject a promise.
 *
 * @throws {MediaTypeUnsupported} the body has another media type, or is encoded
 * @throws {BodyTooLarge}
 */
export function readBytes(request: Request, mediaType: RegExp, bytesMax: number): Promise<Uint8Array> {
  const { headers } = request;
  if (!mediaType.test(headers.get("content-type") ?? "")) throw new MediaTypeUnsupported();
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") throw new MediaTypeUnsupported();
  const declared = headers.get("content-length");
  if (declared === null) return readUndeclared(request, bytesMax);
  if (Number(declared) > bytesMax) throw new BodyTooLarge();
  return request.bytes();
}

async function readUndeclared(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
