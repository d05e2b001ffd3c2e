import { accountMail, MAIL_KINDS } from '../../src/notifications/account-mails.js';
import { digestMail } from '../../src/notifications/digest-mail.js';
import { LANGUAGES, type Language } from '../../src/notifications/events.js';
import type { Mail } from '../../src/notifications/letter.js';
import { messageMail } from '../../src/notifications/message-mail.js';
import { ACCOUNT_MAIL_SAMPLES, DIGEST_SAMPLE, toldSamples } from './mail-samples.js';

/** What is above it was written by a person, what is below by `npm run docs:mails`. */
const MARK = '<!-- Below this line everything is written by `npm run docs:mails`. -->';

const ADA = { to: 'ada@example.com', firstName: 'Ada', accountNumber: '100000042' };

/**
 * @param document docs/mails.md as it is
 * @returns as it should be
 * @throws Error when it has no mark
 */
export function withSamples(document: string): string {
  const end = document.indexOf(MARK);
  if (end < 0) throw new Error(`the document must have the line ${MARK}`);
  const messages = toldSamples().map((told) =>
    section(told.event, (language) => messageMail({ ...ADA, language, ...told })),
  );
  const mails = MAIL_KINDS.map((kind) => {
    const { data = {}, secret = null } = ACCOUNT_MAIL_SAMPLES[kind];
    return section(kind, (language) => accountMail({ kind, to: ADA.to, data, secret }, language));
  });
  const digest = section('several orders in one', (language) =>
    digestMail({ ...ADA, language }, DIGEST_SAMPLE),
  );
  const parts = ['## Messages', ...messages, '## Mails about an account', ...mails, digest];
  return `${document.slice(0, end)}${MARK}\n\n${parts.join('\n\n')}\n`;
}

/** One template in every language. */
const section = (name: string, write: (language: Language) => Mail): string =>
  [`### \`${name}\``, ...LANGUAGES.map((language) => sample(write(language)))].join('\n\n');

const sample = ({ subject, text }: Mail): string =>
  ['```text', `Subject: ${subject}`, '', text.trimEnd(), '```'].join('\n');
