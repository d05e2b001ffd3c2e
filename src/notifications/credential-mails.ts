import { codeParagraphs, lifetime, type Template } from './mail-template.js';

const NOT_YOU = 'If it was not you, write to support@brokerx.example at once.';

/** Mails about a client's password and e-mail address. */
export const CREDENTIAL_MAILS = {
  reset_password: (data, secret) => ({
    subject: 'Choose a new password',
    paragraphs: [
      'Hello,',
      'somebody, probably you, asked for a new password for your account.',
      ...codeParagraphs(data, secret),
      lifetime('one hour'),
      'If it was not you, there is nothing to do: the old password goes on to work.',
    ],
  }),
  password_changed: ({ first_name, at }) => ({
    subject: 'Your password was changed',
    paragraphs: [
      `Hello ${first_name!},`,
      `the password of your account was changed on ${at!}, and your other sessions have ended.`,
      NOT_YOU,
    ],
  }),
  change_email: (data, secret) => ({
    subject: 'Confirm your new e-mail address',
    paragraphs: [
      'Hello,',
      'somebody, probably you, wants to use this address for an account at BrokerX+.',
      ...codeParagraphs(data, secret),
      lifetime('one hour'),
      'If it was not you, there is nothing to do.',
    ],
  }),
  email_change_asked: ({ first_name, at }) => ({
    subject: 'Your e-mail address is about to change',
    paragraphs: [
      `Hello ${first_name!},`,
      `on ${at!} somebody logged in to your account and asked to change its e-mail address. This ` +
        'one stays until the new one is confirmed.',
      NOT_YOU,
    ],
  }),
  email_changed: ({ first_name, at }) => ({
    subject: 'Your e-mail address was changed',
    paragraphs: [
      `Hello ${first_name!},`,
      `on ${at!} the e-mail address of your account was changed. This one is not used any more.`,
      NOT_YOU,
    ],
  }),
  email_in_use: () => ({
    subject: 'Your e-mail address was given for another account',
    paragraphs: [
      'Hello,',
      'somebody, probably you, wanted to use this address for another account at BrokerX+. It ' +
        'belongs to yours, and nothing was changed.',
    ],
  }),
} as const satisfies Readonly<Record<string, Template>>;
