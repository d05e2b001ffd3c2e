import { createHmac, hkdfSync } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Link } from './chain.js';

/**
 * The head of the chain at a moment, kept where who rewrites the database does not reach: a line of
 * JSON in a file. Its MAC covers the line before it, so that no line can be taken out unnoticed.
 */
export interface Anchor extends Link {
  /** RFC 3339 in UTC. */
  readonly at: string;
  /** The MAC of the file's line before; null for its first. */
  readonly prev: string | null;
  /** HMAC-SHA-256 with a key that is derived from SECRETS_KEY, in hex. */
  readonly mac: string;
}

/** @param secretsKey SECRETS_KEY: as text, at least 32 characters */
export const anchorKey = (secretsKey: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secretsKey, '', 'brokerx audit anchors', 32));

export const macOf = (key: Buffer, { at, seq, hash, prev }: Omit<Anchor, 'mac'>): string =>
  createHmac('sha256', key)
    .update(JSON.stringify([at, seq.toString(), hash.toString('hex'), prev]))
    .digest('hex');

const lineOf = ({ at, seq, hash, prev, mac }: Anchor): string =>
  `${JSON.stringify({ at, seq: Number(seq), hash: hash.toString('hex'), prev, mac })}\n`;

const HEX_32 = /^[\da-f]{64}$/;

/** Reads one line. @returns null for what is no anchor */
export function parseAnchor(line: string): Anchor | null {
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(line)) as Record<string, unknown>;
  } catch {
    return null;
  }
  const { at, seq, hash, prev, mac } = value;
  const isHex = (text: unknown): text is string => typeof text === 'string' && HEX_32.test(text);
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) return null;
  if (!Number.isSafeInteger(seq) || (seq as number) < 1) return null;
  if (!isHex(hash) || !isHex(mac) || !(prev === null || isHex(prev))) return null;
  return { at, seq: BigInt(seq as number), hash: Buffer.from(hash, 'hex'), prev, mac };
}

/** More than the longest line: two numbers, a time and three hashes. */
const TAIL_BYTES = 1_024;
const NEWLINE = 10;

/** The file's last whole line, and how long the file is up to its end. */
async function readTail(file: FileHandle): Promise<{ line: string | null; length: number }> {
  const { size } = await file.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const tail = Buffer.alloc(size - start);
  await file.read(tail, 0, tail.length, start);
  const end = tail.lastIndexOf(NEWLINE);
  if (end === -1) return { line: null, length: start === 0 ? 0 : size };
  const from = tail.lastIndexOf(NEWLINE, end - 1) + 1;
  return { line: tail.toString('utf8', end === 0 ? 0 : from, end), length: start + end + 1 };
}

/** A file of anchors as it was at a moment. */
export interface AnchorFile {
  readonly path: string;
  /** In bytes, up to the end of the last whole line: a crash can leave a part of one behind it. */
  readonly length: number;
}

/**
 * Finds out how much a file holds now. To be asked before the chain is read: an anchor that is written
 * later may be of a link that cannot be seen yet.
 * @returns null when there is no such file
 */
export async function openAnchors(path: string): Promise<AnchorFile | null> {
  const tail = await withFile(path, readTail);
  return tail && { path, length: tail.length };
}

/** The lines of a file, one by one, each without its end. */
export async function* readLines({ path, length }: AnchorFile): AsyncGenerator<string> {
  if (length === 0) return;
  const file = await open(path, 'r');
  yield* file.readLines({ start: 0, end: length - 1 }); // closes it
}

/** The last anchor of a file. @returns null when the file is absent, empty, or ends with none */
export async function lastAnchor(path: string): Promise<Anchor | null> {
  const tail = await withFile(path, readTail);
  return typeof tail?.line === 'string' ? parseAnchor(tail.line) : null;
}

async function withFile<T>(
  path: string,
  read: (file: FileHandle) => Promise<T>,
): Promise<T | null> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return null;
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

/**
 * Adds an anchor behind the last one of the file and waits until it is on the disk. Not to be called
 * for the same file from two places at once.
 */
export async function appendAnchor(
  path: string,
  key: Buffer,
  { seq, hash }: Link,
  at: Date,
): Promise<Anchor> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+', 0o600);
  try {
    const { line, length } = await readTail(file);
    await file.truncate(length); // of what a crash left unfinished
    const prev = line === null ? null : (parseAnchor(line)?.mac ?? null);
    const unsigned = { at: at.toISOString(), seq, hash, prev };
    const anchor = { ...unsigned, mac: macOf(key, unsigned) };
    await file.write(lineOf(anchor));
    await file.sync();
    return anchor;
  } finally {
    await file.close();
  }
}
