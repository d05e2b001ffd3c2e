import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Mailer } from './mailer.js';
import { namesInOutbox } from './outbox.js';

const OUTBOX_KEEPS = 1_000;
/** Looking through the folder costs more than a mail: it is done at the first and then now and then. */
const TIDY_EVERY = 50;

/**
 * Writes each mail to a file that any mail program opens, and what it was made of beside it, for the
 * page that shows the outbox. Names sort by time; the newest 1,000 stay.
 * @param folder made when missing, readable by its owner only: mails tell of people's money
 */
export function outboxMailer(folder: string, from: string): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  let written = 0;
  return {
    channel: 'outbox',
    async send(mail) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { message } = await transport.sendMail({ from, ...mail });
      const name = `${new Date().toISOString().replaceAll(':', '-')}-${randomUUID()}`;
      await writeWhole(folder, `${name}.json`, JSON.stringify(mail));
      await writeWhole(folder, `${name}.eml`, message as Buffer); // last: it is what counts as a mail
      if (written % TIDY_EVERY === 0) await tidy(folder);
      written += 1;
    },
    close: () => undefined,
  };
}

/** A reader never sees half a file. */
async function writeWhole(folder: string, name: string, content: string | Buffer): Promise<void> {
  const unfinished = join(folder, `.${name}`);
  await writeFile(unfinished, content, { mode: 0o600 });
  await rename(unfinished, join(folder, name));
}

async function tidy(folder: string): Promise<void> {
  await chmod(folder, 0o700); // it may have been there with other rights
  const old = (await namesInOutbox(folder)).slice(OUTBOX_KEEPS);
  await Promise.all(
    old.flatMap((name) =>
      [`${name}.eml`, `${name}.json`].map((file) => rm(join(folder, file), { force: true })),
    ),
  );
}
