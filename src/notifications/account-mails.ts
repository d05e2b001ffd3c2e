import { CREDENTIAL_MAILS } from './credential-mails.js';
import { escapeHtml } from './html.js';
import type { Template } from './mail-template.js';
import { SIGN_UP_MAILS } from './sign-up-mails.js';
import type { Mail } from './templates.js';
import { TRANSFER_TEMPLATES } from './transfer-mails.js';
import { WEBHOOK_MAILS } from './webhook-mails.js';

/** A mail about its reader's account, before it is written. */
export interface AccountMail {
  readonly kind: MailKind;
  readonly to: string;
  readonly data: Readonly<Record<string, string>>;
  /** A code or token; null where the kind has none. */
  readonly secret: string | null;
}

/** Kinds are permanent strings: they stand in rows that wait. */
const TEMPLATES = {
  ...SIGN_UP_MAILS,
  ...CREDENTIAL_MAILS,
  ...TRANSFER_TEMPLATES,
  ...WEBHOOK_MAILS,
  second_factor_code: ({ first_name }, code) => ({
    subject: 'Your code for BrokerX+',
    paragraphs: [
      `Hello ${first_name!},`,
      `your code is ${code!}. It is good for ten minutes and for one use.`,
      'We never ask for it by phone or mail. If you did not ask for it, somebody knows your ' +
        'password: change it.',
    ],
  }),
  second_factor_changed: ({ first_name, change }) => ({
    subject: 'Your second factors were changed',
    paragraphs: [
      `Hello ${first_name!},`,
      change!,
      'If it was not you, end all sessions, change your password and write to ' +
        'support@brokerx.example.',
    ],
  }),
  api_key_created: ({ first_name, label, scopes }) => ({
    subject: 'A new API key for your account',
    paragraphs: [
      `Hello ${first_name!},`,
      `an API key was made for your account: ${label!} (it may ${scopes!}).`,
      'If it was not you, revoke it, change your password and write to support@brokerx.example.',
    ],
  }),
  new_device: ({ first_name, at, ip, device }) => ({
    subject: 'A new device has logged in to your account',
    paragraphs: [
      `Hello ${first_name!},`,
      `somebody logged in to your account on ${at!} from the address ${ip!}, with ${device!}.`,
      'If it was you, there is nothing to do. If not, change your password, end all sessions and ' +
        'write to support@brokerx.example.',
    ],
  }),
  staff_invitation: ({ first_name, role }, token) => ({
    subject: 'Welcome to BrokerX+: set your password',
    paragraphs: [
      `Hello ${first_name!},`,
      `you have been taken on as ${role!}. Set your password with this token, once and within an ` +
        `hour: ${token!}`,
      'Send it to POST /v2/clients/password/reset with your e-mail address and the password. If the ' +
        'hour is over, ask for another one as for a forgotten password.',
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
      ...all.map((paragraph) => `<p>${linked(escapeHtml(paragraph))}</p>`),
      '</body></html>',
      '',
    ].join('\n'),
  };
}

/** A paragraph that is nothing but a link can be followed. */
const linked = (html: string): string =>
  /^https?:\/\/\S+$/.test(html) ? `<a href="${html}">${html}</a>` : html;
