import { ACCOUNT_MESSAGES, STATEMENT_MESSAGES } from './account-messages.js';
import type { Language, NotificationEvent, Told } from './events.js';
import { layOut, type Mail } from './letter.js';
import { ORDER_MESSAGES } from './order-messages.js';
import { factsIn, HELLO, plain, type MessageTemplate } from './said.js';
import { SECURITY_MESSAGES } from './security-messages.js';
import { TRANSFER_MESSAGES } from './transfer-messages.js';

/** Whom a message is for. */
export interface MailReceiver {
  readonly to: string;
  readonly firstName: string;
  /** Null for a client who has no account yet. */
  readonly accountNumber: string | null;
  readonly language: Language;
}

/** A message to a client, before it is written. */
export type MessageLetter = Told & MailReceiver;

type DataOf<Event extends NotificationEvent> = Extract<Told, { readonly event: Event }>['data'];

/** An event without a template, or with one of other data, does not compile. */
const MESSAGES: { readonly [Event in NotificationEvent]: MessageTemplate<DataOf<Event>> } = {
  ...ORDER_MESSAGES,
  ...TRANSFER_MESSAGES,
  ...SECURITY_MESSAGES,
  ...ACCOUNT_MESSAGES,
  ...STATEMENT_MESSAGES,
};

/**
 * Writes the mail that tells a client of one thing, as text and HTML with the same facts. Amounts are
 * in it as they are in the data; only the decimal sign is the language's.
 */
export function messageMail(letter: MessageLetter): Mail {
  const { to, firstName, accountNumber, language, event, data } = letter;
  const template = MESSAGES[event] as MessageTemplate<typeof data>; // they belong together by type
  const { subject, paragraphs, after = [] } = template[language](data);
  const facts = factsIn(language, [plain('account', accountNumber), ...template.facts(data)]);
  return layOut({
    to,
    language,
    subject,
    parts: [HELLO[language](firstName), ...paragraphs, { facts }, ...after],
  });
}
