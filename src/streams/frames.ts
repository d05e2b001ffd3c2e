import { isUtf8 } from 'node:buffer';
import { decode, encode } from '@msgpack/msgpack';
import { DomainError } from '../errors.js';

/**
 * How a client writes its messages, and gets ours. Alpaca sends text on its live endpoint and JSON
 * in binary frames on its paper endpoint. Most of its SDKs send text and read both; Java's reads binary
 * frames only, but connects to no host other than Alpaca's. So whoever connects here gets the kind that
 * it uses itself.
 */
export type FrameKind = 'text' | 'binary' | 'msgpack';

export const FRAME_MAX_BYTES = 16_384;

/** MessagePack writes a map of at least one member from here on; no JSON text begins like that. */
const FIRST_BYTE_OF_MAP = 0x80;
const TEXTS_MAX = { maxStrLength: FRAME_MAX_BYTES, maxBinLength: FRAME_MAX_BYTES };

const malformed = (message: string): DomainError => new DomainError('malformed', 40010000, message);

export const kindOfFrame = (data: Buffer, isBinary: boolean): FrameKind =>
  !isBinary ? 'text' : (data[0] ?? 0) >= FIRST_BYTE_OF_MAP ? 'msgpack' : 'binary';

/** The kind that a handshake asks for by its content type, or null: then the first message tells. */
export const kindOfHandshake = (contentType: string | undefined): FrameKind | null =>
  contentType?.split(';', 1)[0]!.trim().toLowerCase() === 'application/msgpack' ? 'msgpack' : null;

/** @throws DomainError 400 when it does not hold an object */
export function readFrame(data: Buffer, kind: FrameKind): object {
  const value = kind === 'msgpack' ? readMessagePack(data) : readJson(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('A message must be an object such as {"action":"listen","data":{...}}');
  }
  return value;
}

function readJson(data: Buffer): unknown {
  if (!isUtf8(data)) throw malformed('The message is neither UTF-8 nor MessagePack');
  try {
    return JSON.parse(data.toString());
  } catch (error) {
    throw malformed(`The message is not JSON: ${(error as Error).message}`);
  }
}

function readMessagePack(data: Buffer): unknown {
  try {
    return decode(data, TEXTS_MAX);
  } catch (error) {
    throw malformed(`The message is not MessagePack: ${(error as Error).message}`);
  }
}

/** @param json the message, as JSON in UTF-8 */
export const writeFrame = (json: Buffer, kind: FrameKind): Uint8Array =>
  kind === 'msgpack' ? encode(JSON.parse(json.toString())) : json;
