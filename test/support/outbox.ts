import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './eventually.js';

const DELIVERED_WITHIN_MS = 15_000;
/** A line that is longer than mail allows is broken with this (RFC 2045, quoted-printable). */
const SOFT_BREAK = /=\r?\n/g;

/** The mails to somebody in the product's outbox, the oldest first. */
export async function mailsInOutbox(dataDir: string, address: string): Promise<string[]> {
  const folder = join(dataDir, 'outbox');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.eml'));
  const mails = await Promise.all(
    names.sort().map(async (name) => await readFile(join(folder, name), 'utf8')),
  );
  return mails
    .map((mail) => mail.replaceAll(SOFT_BREAK, ''))
    .filter((mail) => mail.includes(`To: ${address}`));
}

/** Waits for a mail to somebody and takes the first group of the pattern out of the newest one. */
export async function readMail(
  dataDir: string,
  address: string,
  { subject, pattern, count = 1 }: { subject: RegExp; pattern: RegExp; count?: number },
): Promise<string> {
  let found = '';
  await eventually(async () => {
    const mails = (await mailsInOutbox(dataDir, address)).filter((mail) => subject.test(mail));
    if (mails.length < count) throw new Error(`${mails.length} mails like that to ${address}`);
    found = pattern.exec(mails.at(-1)!)?.[1] ?? '';
    if (found === '') throw new Error(`the mail does not have ${String(pattern)}`);
  }, DELIVERED_WITHIN_MS);
  return found;
}
