import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import { DomainError, invalid } from '../errors.js';
import { HttpRefusal } from './problem.js';

const BODY_MAX_BYTES = 100_000;
const DEPTH_MAX = 8;
const REFUSED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const LONE_SURROGATE = /\p{Surrogate}/u;
const EMPTY = Buffer.alloc(0);

const malformed = (message: string): DomainError => new DomainError('malformed', 40010000, message);
const tooLarge = (): DomainError =>
  new DomainError('too_large', 41310000, `The body is larger than ${BODY_MAX_BYTES} bytes`);

/**
 * Reads the body as a JSON object, whatever its content type says: some SDKs send `text/plain`.
 * No body at all counts as `{}`. The bytes stay in `ctx.request.rawBody`.
 * @throws DomainError 413 above 100 kB, 400 for what is not a JSON object, 422 for a NUL character
 *   or a key that JavaScript gives a meaning to
 */
export async function readJson(ctx: Context): Promise<Record<string, unknown>> {
  const bytes = await readBytes(ctx.req);
  ctx.request.rawBody = bytes;
  if (bytes.length === 0) return {};
  if (!isUtf8(bytes)) throw malformed('The body is not UTF-8');
  const text = bytes.toString();
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('The body must be a JSON object');
  }
  inspect(value, 1, text.includes('\\u')); // NUL and half characters can only come escaped
  return value as Record<string, unknown>;
}

/**
 * Reads the body as the fields of an HTML form; the last one of a name counts.
 * @throws DomainError as readJson
 */
export async function readForm(ctx: Context): Promise<Record<string, unknown>> {
  const bytes = await readBytes(ctx.req);
  ctx.request.rawBody = bytes;
  if (!isUtf8(bytes)) throw malformed('The body is not UTF-8');
  const fields = [...new URLSearchParams(bytes.toString())];
  for (const [name, value] of fields) {
    inspectName(name);
    inspectText(name + value);
  }
  return Object.fromEntries(fields);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`The body is not JSON: ${(error as Error).message}`);
  }
}

/** Events rather than `for await`: nearly every body is one chunk. */
function readBytes(req: IncomingMessage): Promise<Buffer> {
  const { 'content-length': length, 'content-encoding': encoding } = req.headers;
  if (encoding !== undefined && encoding !== 'identity') {
    return Promise.reject(new HttpRefusal(415, 'Send the body without a Content-Encoding'));
  }
  if (length === '0' || (length === undefined && req.headers['transfer-encoding'] === undefined)) {
    return Promise.resolve(EMPTY);
  }
  if (Number(length) > BODY_MAX_BYTES) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > BODY_MAX_BYTES) {
        req.removeAllListeners('data').resume(); // the rest is read and dropped
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    req.on('end', () => {
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    });
    req.on('error', () => {
      reject(malformed('The connection broke before the whole body had arrived'));
    });
  });
}

/** Refuses, at any depth, what could mean something else to JavaScript or to Postgres. */
function inspect(value: unknown, depth: number, hasEscapes: boolean): void {
  if (typeof value === 'string' && hasEscapes) inspectText(value);
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEPTH_MAX) throw malformed(`The body is nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) {
    for (const item of value) inspect(item, depth + 1, hasEscapes);
    return;
  }
  for (const key of Object.keys(value)) {
    inspectName(key);
    if (hasEscapes) inspectText(key);
    inspect((value as Record<string, unknown>)[key], depth + 1, hasEscapes);
  }
}

/** @throws DomainError 422 for a name that JavaScript gives a meaning to */
export function inspectName(name: string): void {
  if (REFUSED_KEYS.has(name)) throw invalid(`The field ${name} is not allowed`);
}

/**
 * Postgres keeps no NUL in a text, and half of a surrogate pair is not a character.
 * @throws DomainError 422
 */
export function inspectText(text: string): void {
  if (text.includes('\0')) throw invalid('A text contains the NUL character');
  if (LONE_SURROGATE.test(text)) throw invalid('A text contains half of a surrogate pair');
}
