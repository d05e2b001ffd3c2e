import type { Language, OrderData, Told } from './events.js';
import { escapeHtml } from './html.js';
import { messageMail, type MailReceiver } from './message-mail.js';
import type { Mail } from './templates.js';

/** A longer mail helps nobody; the rest can be read in the app. */
const LISTED_MAX = 100;

const WORDS: Readonly<
  Record<
    Language,
    {
      hello: (name: string) => string;
      subject: (orders: number) => string;
      opening: (orders: number, account: string) => string;
      line: (data: OrderData) => string;
      more: (orders: number) => string;
    }
  >
> = {
  en: {
    hello: (name) => `Hello ${name},`,
    subject: (orders) => `News of ${orders} orders`,
    opening: (orders, account) => `there is news of ${orders} orders of your account ${account}:`,
    line: ({ value, fees, executions }) =>
      `value ${value} USD, fees ${fees} USD, executions: ${executions}`,
    more: (orders) => `... and ${orders} more: read them in the app.`,
  },
  fr: {
    hello: (name) => `Bonjour ${name},`,
    subject: (orders) => `Nouvelles de ${orders} ordres`,
    opening: (orders, account) => `voici des nouvelles de ${orders} ordres du compte ${account} :`,
    line: ({ value, fees, executions }) =>
      `montant ${value} USD, frais ${fees} USD, exécutions : ${executions}`,
    more: (orders) => `... et ${orders} de plus : lisez-les dans l'application.`,
  },
};

/**
 * Writes one mail about several messages of orders: each by the headline of its own mail, with what it
 * came to. For clients of whom more waits than mails may be sent.
 */
export function digestMail(receiver: MailReceiver, told: readonly Told[]): Mail {
  const words = WORDS[receiver.language];
  const listed = told.slice(0, LISTED_MAX).map((one) => {
    const data = one.data as OrderData;
    const { subject } = messageMail({ ...receiver, ...one });
    return [subject, ...(data.executions > 0 ? [words.line(data)] : [])];
  });
  const hello = words.hello(receiver.firstName);
  const opening = words.opening(told.length, receiver.accountNumber ?? '');
  const more = told.length > LISTED_MAX ? [words.more(told.length - LISTED_MAX)] : [];
  const lines = listed.map(([headline, ...figures]) =>
    [headline!, ...figures.map((figure) => `  ${figure}`)].join('\n'),
  );
  return {
    to: receiver.to,
    subject: words.subject(told.length),
    text: [hello, '', opening, '', ...lines, ...more, '', 'BrokerX+', ''].join('\n'),
    html: [
      '<!doctype html>',
      '<html><body>',
      `<p>${escapeHtml(hello)}</p>`,
      `<p>${escapeHtml(opening)}</p>`,
      '<ul>',
      ...listed.map(
        ([headline, ...figures]) =>
          `<li>${escapeHtml(headline!)}${figures.map((one) => `<br>${escapeHtml(one)}`).join('')}</li>`,
      ),
      '</ul>',
      ...more.map((line) => `<p>${escapeHtml(line)}</p>`),
      '<p>BrokerX+</p>',
      '</body></html>',
      '',
    ].join('\n'),
  };
}
