import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';
import type { Mail } from './letter.js';

/** Where mails go while there is no mail server. */
export const outboxFolder = (config: Pick<Config, 'dataDir'>): string =>
  join(config.dataDir, 'outbox');

/** A mail of the outbox. */
export interface OutboxMail {
  readonly name: string;
  /** Null for a mail of an earlier version, or of something else. */
  readonly mail: Mail | null;
}

/** Such as `2026-11-27T09-12-04.291Z-01a20620-4595-4000-8000-01cbc1683136`: nothing leads elsewhere. */
const NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The mails of a folder, without the ending of their files, the newest first. */
export async function namesInOutbox(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.eml'));
  return files
    .map((file) => file.slice(0, -'.eml'.length))
    .sort()
    .reverse();
}

/** The newest mails, without those that somebody else has put there. */
export async function listOutbox(folder: string, limit: number): Promise<OutboxMail[]> {
  const names = await namesInOutbox(folder).catch(() => []); // no mail was written yet
  const newest = names.filter((name) => NAME.test(name)).slice(0, limit);
  return await Promise.all(newest.map((name) => readParts(folder, name)));
}

/**
 * @param name as it came from outside
 * @returns the mail and its source; undefined when there is none of this name
 */
export async function readOutbox(
  folder: string,
  name: string,
): Promise<(OutboxMail & { readonly source: string }) | undefined> {
  if (!NAME.test(name)) return undefined;
  const source = await readFile(join(folder, `${name}.eml`), 'utf8').catch(() => undefined);
  if (source === undefined) return undefined;
  return { ...(await readParts(folder, name)), source };
}

async function readParts(folder: string, name: string): Promise<OutboxMail> {
  const json = await readFile(join(folder, `${name}.json`), 'utf8').catch(() => 'null');
  return { name, mail: JSON.parse(json) as Mail | null };
}
