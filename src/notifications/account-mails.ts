import { CREDENTIAL_MAILS } from './credential-mails.js';
import type { Language } from './events.js';
import { layOut, type Mail } from './letter.js';
import type { MailData, Template } from './mail-template.js';
import { REVIEW_MAILS } from './review-mails.js';
import { factsIn, HELLO } from './said.js';
import { SECURITY_MAILS } from './security-mails.js';
import { SIGN_UP_MAILS } from './sign-up-mails.js';
import { TRANSFER_MAILS } from './transfer-mails.js';
import { WEBHOOK_MAILS } from './webhook-mails.js';

/** A mail about its reader's account, before it is written. */
export interface AccountMail {
  readonly kind: MailKind;
  readonly to: string;
  readonly data: MailData;
  /** A code or token; null where the kind has none. */
  readonly secret: string | null;
}

/** Kinds are permanent strings: they stand in rows that wait. */
const TEMPLATES = {
  ...SIGN_UP_MAILS,
  ...REVIEW_MAILS,
  ...CREDENTIAL_MAILS,
  ...TRANSFER_MAILS,
  ...SECURITY_MAILS,
  ...WEBHOOK_MAILS,
} as const satisfies Readonly<Record<string, Template>>;

export type MailKind = keyof typeof TEMPLATES;

/** All of them, for whoever looks at each. */
export const MAIL_KINDS = Object.keys(TEMPLATES) as readonly MailKind[];

/** Writes a mail about its reader's account, as text and HTML. */
export function accountMail(
  { kind, to, data, secret }: AccountMail,
  language: Language = 'en',
): Mail {
  const template: Template = TEMPLATES[kind];
  const { subject, paragraphs, after = [] } = template[language](data, secret);
  const facts = factsIn(language, template.facts?.(data) ?? []);
  const hello = HELLO[language](template.byName ? data['first_name']! : null);
  return layOut({
    to,
    language,
    subject,
    parts: [hello, ...paragraphs, ...(facts.length > 0 ? [{ facts }] : []), ...after],
  });
}
