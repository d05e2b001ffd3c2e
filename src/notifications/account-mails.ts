import { escapeHtml } from './html.js';
import type { Mail } from './templates.js';

/** A mail about its reader's account, before it is written. */
export interface AccountMail {
  readonly kind: MailKind;
  readonly to: string;
  readonly data: Readonly<Record<string, string>>;
  /** A code or token; null where the kind has none. */
  readonly secret: string | null;
}

/** What a kind of mail says: a subject, and paragraphs in the order in which they are read. */
type Template = (
  data: Readonly<Record<string, string>>,
  secret: string | null,
) => { readonly subject: string; readonly paragraphs: readonly string[] };

/** Kinds are permanent strings: they stand in rows that wait. */
const TEMPLATES = {
  new_device: ({ first_name, at, ip, device }) => ({
    subject: 'A new device has logged in to your account',
    paragraphs: [
      `Hello ${first_name!},`,
      `somebody logged in to your account on ${at!} from the address ${ip!}, with ${device!}.`,
      'If it was you, there is nothing to do. If not, change your password, end all sessions and ' +
        'write to support@brokerx.example.',
    ],
  }),
} as const satisfies Readonly<Record<string, Template>>;

export type MailKind = keyof typeof TEMPLATES;

/** Writes a mail about its reader's account, as text and HTML. */
export function accountMail({ kind, to, data, secret }: AccountMail): Mail {
  const { subject, paragraphs } = (TEMPLATES[kind] as Template)(data, secret);
  const all = [...paragraphs, 'BrokerX+'];
  return {
    to,
    subject,
    text: `${all.join('\n\n')}\n`,
    html: [
      '<!doctype html>',
      '<html><body>',
      ...all.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
      '</body></html>',
      '',
    ].join('\n'),
  };
}
