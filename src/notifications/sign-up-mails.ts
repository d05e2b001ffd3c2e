import { codeParagraphs, lifetime, type Template } from './mail-template.js';

/**
 * Mails to addresses that nobody has confirmed call nobody by name: anybody could have written one
 * into the sign-up, and have us send it.
 */
export const SIGN_UP_MAILS = {
  verify_email: (data, secret) => ({
    subject: 'Confirm your e-mail address',
    paragraphs: [
      'Hello,',
      'somebody, probably you, signed up at BrokerX+ with this address.',
      ...codeParagraphs(data, secret),
      lifetime('24 hours'),
      'If it was not you, there is nothing to do: without the code nothing comes of it.',
    ],
  }),
  sign_up_exists: (data, secret) => ({
    subject: 'You have an account already',
    paragraphs: [
      'Hello,',
      'somebody, probably you, signed up at BrokerX+ with this address, but it has an account. ' +
        'Nothing was changed: log in as before. If you have forgotten the password, choose a new one.',
      ...codeParagraphs(data, secret),
      lifetime('one hour'),
    ],
  }),
  sign_up_phone_taken: () => ({
    subject: 'Your sign-up could not be completed',
    paragraphs: [
      'Hello,',
      'somebody, probably you, signed up at BrokerX+ with this address and a telephone number that ' +
        'cannot be used. Nothing of it was kept.',
      'Sign up again with another number. If you have an account already, log in with the address ' +
        'that you used then; if the number is yours and you have none, write to ' +
        'support@brokerx.example.',
    ],
  }),
  sign_up_reminder: (data, secret) => ({
    subject: 'Your sign-up is waiting for you',
    paragraphs: [
      'Hello,',
      'you signed up at BrokerX+, but have not confirmed your e-mail address yet.',
      ...codeParagraphs(data, secret),
      `${lifetime('24 hours')} On ${data['expires_on']!} the sign-up is closed and its data erased.`,
      'If it was not you, there is nothing to do.',
    ],
  }),
  sign_up_expired: () => ({
    subject: 'Your sign-up has expired',
    paragraphs: [
      'Hello,',
      'your e-mail address was not confirmed in time, so we have closed the sign-up and erased what ' +
        'we do not need of its data. You may sign up again at any time.',
    ],
  }),
  kyc_approved: ({ first_name, account_number }) => ({
    subject: 'Your account is open',
    paragraphs: [
      `Hello ${first_name!},`,
      `we have checked your documents and opened your account ${account_number!}. Log in again, ` +
        'and you can pay in and trade.',
    ],
  }),
  kyc_rejected: ({ first_name, reason }) => ({
    subject: 'We could not open your account',
    paragraphs: [
      `Hello ${first_name!},`,
      `we have checked your sign-up and cannot open an account for you: ${reason!}`,
      'If you think that this is a mistake, write to support@brokerx.example.',
    ],
  }),
} as const satisfies Readonly<Record<string, Template>>;
