import type { Language, OrderData, Told } from './events.js';
import { decimalIn, dollarsIn, type InEachLanguage } from './language.js';
import { layOut, type Mail } from './letter.js';
import { messageMail, type MailReceiver } from './message-mail.js';
import { HELLO } from './said.js';

/** A longer mail helps nobody; the rest can be read in the app. */
const LISTED_MAX = 100;

interface DigestTexts {
  readonly subject: (orders: number) => string;
  readonly opening: (orders: number, account: string) => string;
  readonly columns: readonly [what: string, executions: string, value: string, fees: string];
  readonly figures: (value: string, fees: string, executions: number) => string;
  readonly more: (orders: number) => string;
}

const TEXTS: InEachLanguage<DigestTexts> = {
  en: {
    subject: (orders) => `News of ${orders} orders`,
    opening: (orders, account) => `there is news of ${orders} orders of your account ${account}:`,
    columns: ['Order', 'Executions', 'Value', 'Fees'],
    figures: (value, fees, executions) => `value ${value}, fees ${fees}, executions: ${executions}`,
    more: (orders) => `... and ${orders} more: read them in the app.`,
  },
  fr: {
    subject: (orders) => `Nouvelles de ${orders} ordres`,
    opening: (orders, account) => `Voici des nouvelles de ${orders} ordres du compte ${account} :`,
    columns: ['Ordre', 'Exécutions', 'Valeur', 'Frais'],
    figures: (value, fees, executions) =>
      `valeur ${value}, frais ${fees}, exécutions : ${executions}`,
    more: (orders) => `... et ${orders} de plus : lisez-les dans l’application.`,
  },
};

/**
 * Writes one mail about several messages of orders: each by the subject of its own mail, with what it
 * came to. For clients of whom more waits than mails may be sent.
 */
export function digestMail(receiver: MailReceiver, told: readonly Told[]): Mail {
  const { to, language, firstName, accountNumber } = receiver;
  const texts = TEXTS[language];
  const listed = told.slice(0, LISTED_MAX).map((one) => ({
    headline: messageMail({ ...receiver, ...one }).subject,
    data: one.data as OrderData,
  }));
  const more = told.length - listed.length;
  return layOut({
    to,
    language,
    subject: texts.subject(told.length),
    parts: [
      HELLO[language](firstName),
      texts.opening(told.length, accountNumber ?? ''),
      {
        columns: texts.columns.map((name, n) => ({ name, isNumber: n > 0 })),
        rows: listed.map(({ headline, data }) => [headline, ...figuresOf(language, data)]),
        lines: listed.flatMap(({ headline, data }) => [headline, ...lineOf(language, data)]),
      },
      ...(more > 0 ? [texts.more(more)] : []),
    ],
  });
}

const figuresOf = (language: Language, { executions, value, fees }: OrderData): string[] =>
  executions === 0
    ? ['', '', '']
    : [String(executions), decimalIn(language, value), decimalIn(language, fees)];

const lineOf = (language: Language, { executions, value, fees }: OrderData): string[] => {
  if (executions === 0) return [];
  const figures = [dollarsIn(language, value), dollarsIn(language, fees)] as const;
  return [`  ${TEXTS[language].figures(...figures, executions)}`];
};
