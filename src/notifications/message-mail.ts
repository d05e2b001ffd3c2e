import { escapeHtml } from './html.js';
import type { Language, OrderData, Told } from './events.js';
import type { Mail } from './templates.js';

/** Who is written to, and how. */
export interface MailReceiver {
  readonly to: string;
  readonly firstName: string;
  /** Null for a message about no account. */
  readonly accountNumber: string | null;
  readonly language: Language;
}

/** Writes the mail that tells a client of one message, as text and HTML. */
export function messageMail({ to, firstName, accountNumber, ...told }: MailReceiver & Told): Mail {
  const { event, data } = told;
  const lines = Object.entries(data)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${String(value)}`);
  const account = accountNumber === null ? 'your account' : `your account ${accountNumber}`;
  const paragraphs = [`Hello ${firstName},`, `about ${account}: ${event}.`, ...lines, 'BrokerX+'];
  return {
    to,
    subject: event.startsWith('order.') ? headlineOf(data as OrderData) : subjectOf(event),
    text: `${paragraphs.join('\n\n')}\n`,
    html: [
      '<!doctype html>',
      '<html><body>',
      ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
      '</body></html>',
      '',
    ].join('\n'),
  };
}

const subjectOf = (event: string): string => event.replaceAll(/[._]/g, ' ');

/** Such as `Bought 2 AAPL at 150.25 USD`. */
function headlineOf({ side, symbol, executed_qty, average_price, status }: OrderData): string {
  if (average_price === null) return `Your order to ${side} ${symbol}: ${status}`;
  return `${side === 'buy' ? 'Bought' : 'Sold'} ${executed_qty} ${symbol} at ${average_price} USD`;
}
