import type { Template } from './mail-template.js';

/** Mails about where a client's events are posted to. The URL is no link: its owner may be a stranger. */
export const WEBHOOK_MAILS = {
  webhook_created: ({ first_name, url }) => ({
    subject: 'A webhook was set up for your account',
    paragraphs: [
      `Hello ${first_name!},`,
      `from now on what happens on your account is posted to this address: ${url!}`,
      'If it was not you, delete it, change your password and write to support@brokerx.example.',
    ],
  }),
  webhook_disabled: ({ first_name, url, why }) => ({
    subject: 'A webhook of your account was turned off',
    paragraphs: [
      `Hello ${first_name!},`,
      `nothing is posted to this address any more, since ${why!}: ${url!}`,
      'Nothing is lost: once it is turned on again (PATCH /v2/webhooks/{id} with "enabled": true) it ' +
        'goes on where it stopped.',
    ],
  }),
} as const satisfies Readonly<Record<string, Template>>;
