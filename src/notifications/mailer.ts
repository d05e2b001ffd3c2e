import { createTransport } from 'nodemailer';
import type { Config } from '../config.js';
import type { Logger } from '../log.js';
import type { Mail } from './letter.js';
import { mailsRefused } from './mail-metrics.js';
import { refusalOf } from './mail-refused.js';
import { outboxFolder } from './outbox.js';
import { outboxMailer } from './outbox-mailer.js';

/** A way to get a mail to its reader. */
export interface Mailer {
  /** For metrics. */
  readonly channel: 'smtp' | 'outbox';
  /**
   * Resolves when the mail server has taken the mail, or the file is written.
   * @throws MailRefused or Error when it did not; unless that is permanent, it may be sent again
   */
  send(mail: Mail): Promise<void>;
  close(): void;
}

type MailerConfig = Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir'> &
  Partial<Pick<Config, 'smtpMaxConnections' | 'mailsPerSecond'>>;

const CONNECT_TIMEOUT_MS = 5_000;
const SOCKET_TIMEOUT_MS = 10_000;
const SECOND_MS = 1_000;

/** Mail over SMTP when SMTP_URL is set, else into the folder `outbox` of DATA_DIR. */
export const createMailer = (config: MailerConfig): Mailer =>
  config.smtpUrl === '' ? outboxMailer(outboxFolder(config), config.mailFrom) : smtpMailer(config);

/** Of every connection. What the URL says of TLS (`requireTLS=true`, `tls.ca=...`) goes before. */
const connectionOf = ({ smtpUrl }: MailerConfig) => ({
  url: smtpUrl,
  connectionTimeout: CONNECT_TIMEOUT_MS,
  greetingTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: SOCKET_TIMEOUT_MS,
  disableFileAccess: true,
  disableUrlAccess: true,
});

function smtpMailer(config: MailerConfig): Mailer {
  const { mailFrom: from, smtpMaxConnections = 1, mailsPerSecond } = config;
  const transport = createTransport({
    ...connectionOf(config),
    pool: true, // a connection for many mails; another one only when all are busy
    maxConnections: smtpMaxConnections,
    maxRequeues: 0, // a mail that failed is tried again from its row, not from memory
    // Over all connections of this process, however many send at a time.
    ...(mailsPerSecond !== undefined && { rateLimit: mailsPerSecond, rateDelta: SECOND_MS }),
  });
  return {
    channel: 'smtp',
    async send(mail) {
      try {
        await transport.sendMail({ from, ...mail });
      } catch (error) {
        const refused = refusalOf(error);
        mailsRefused.inc({ reason: refused.refusal });
        throw refused;
      }
    },
    close: () => transport.close(),
  };
}

/**
 * Asks the mail server whether it takes our login, and logs the answer. Mail waits in its rows until it
 * does: nothing else waits for it, so neither does the start.
 */
export async function checkMailServer(config: MailerConfig, log: Logger): Promise<void> {
  if (config.smtpUrl === '') return;
  try {
    await createTransport(connectionOf(config)).verify();
    log.info('the mail server is reachable');
  } catch (error) {
    const { refusal, message } = refusalOf(error);
    mailsRefused.inc({ reason: refusal });
    log.warn('the mail server does not take our mail; it is tried again with every mail', {
      reason: refusal,
      error: message,
    });
  }
}
