import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Config } from '../config.js';
import type { Mail } from './templates.js';

/** A way to get a mail to its reader. */
export interface Mailer {
  /** For metrics. */
  readonly channel: 'smtp' | 'outbox';
  /**
   * Resolves when the mail server has taken the mail, or the file is written.
   * @throws Error when it did not; the mail may be sent again
   */
  send(mail: Mail): Promise<void>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const SOCKET_TIMEOUT_MS = 10_000;
const OUTBOX_KEEPS = 1_000;
/** Looking through the folder costs more than a mail: it is done at the first and then now and then. */
const TIDY_EVERY = 50;

/** Mail over SMTP when SMTP_URL is set, else into the folder `outbox` of DATA_DIR. */
export const createMailer = (config: Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir'>): Mailer =>
  config.smtpUrl === ''
    ? outboxMailer(join(config.dataDir, 'outbox'), config.mailFrom)
    : smtpMailer(config.smtpUrl, config.mailFrom);

function smtpMailer(url: string, from: string): Mailer {
  const transport = createTransport({
    url,
    pool: true, // one connection for many mails
    maxConnections: 1,
    maxRequeues: 0, // a mail that failed is tried again from its row, not from memory
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    channel: 'smtp',
    async send(mail) {
      await transport.sendMail({ from, ...mail });
    },
    close: () => transport.close(),
  };
}

/**
 * Writes each mail to a file that any mail program opens. Names sort by time; the newest 1,000 stay.
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
      const unfinished = join(folder, `.${name}`);
      await writeFile(unfinished, message as Buffer, { mode: 0o600 });
      await rename(unfinished, join(folder, `${name}.eml`)); // a reader never sees half a mail
      if (written % TIDY_EVERY === 0) await tidy(folder);
      written += 1;
    },
    close: () => undefined,
  };
}

async function tidy(folder: string): Promise<void> {
  await chmod(folder, 0o700); // it may have been there with other rights
  const mails = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
  const old = mails.slice(0, Math.max(0, mails.length - OUTBOX_KEEPS));
  await Promise.all(old.map((name) => rm(join(folder, name), { force: true })));
}
