import { timeText } from './language.js';
import { asMessage, CODE, LIFETIME, type MailData, type Template } from './mail-template.js';
import { NOT_YOU } from './said.js';
import { SECURITY_MESSAGES } from './security-messages.js';

const changed = ({ at }: MailData) => ({ at: at!, ip: null, device: null, detail: null });

/** Mails about a client's password and e-mail address. */
export const CREDENTIAL_MAILS = {
  reset_password: {
    byName: false,
    en: (data, secret) => ({
      subject: 'Choose a new password',
      paragraphs: [
        'somebody, probably you, asked for a new password for your account.',
        ...CODE.en(data, secret),
        LIFETIME.hour.en,
        'If it was not you, there is nothing to do: the old password goes on to work.',
      ],
    }),
    fr: (data, secret) => ({
      subject: 'Choisissez un nouveau mot de passe',
      paragraphs: [
        'Quelqu’un, sans doute vous, a demandé un nouveau mot de passe pour votre compte.',
        ...CODE.fr(data, secret),
        LIFETIME.hour.fr,
        'Si ce n’était pas vous, il n’y a rien à faire : l’ancien mot de passe reste valable.',
      ],
    }),
  },
  password_changed: asMessage(SECURITY_MESSAGES['security.password_changed'], changed),
  change_email: {
    byName: false,
    en: (data, secret) => ({
      subject: 'Confirm your new e-mail address',
      paragraphs: [
        'somebody, probably you, wants to use this address for an account at BrokerX+.',
        ...CODE.en(data, secret),
        LIFETIME.hour.en,
        'If it was not you, there is nothing to do.',
      ],
    }),
    fr: (data, secret) => ({
      subject: 'Confirmez votre nouvelle adresse e-mail',
      paragraphs: [
        'Quelqu’un, sans doute vous, veut utiliser cette adresse pour un compte chez BrokerX+.',
        ...CODE.fr(data, secret),
        LIFETIME.hour.fr,
        'Si ce n’était pas vous, il n’y a rien à faire.',
      ],
    }),
  },
  email_change_asked: {
    byName: true,
    en: ({ at }) => ({
      subject: 'Your e-mail address is about to change',
      paragraphs: [
        `on ${timeText(at!)} somebody logged in to your account and asked to change its e-mail ` +
          'address. This one stays until the new one is confirmed.',
        NOT_YOU.en,
      ],
    }),
    fr: ({ at }) => ({
      subject: 'Votre adresse e-mail va changer',
      paragraphs: [
        `Le ${timeText(at!)}, quelqu’un s’est connecté à votre compte et a demandé à changer son ` +
          'adresse e-mail. Celle-ci reste valable jusqu’à ce que la nouvelle soit confirmée.',
        NOT_YOU.fr,
      ],
    }),
  },
  email_changed: asMessage(SECURITY_MESSAGES['security.email_changed'], changed),
  email_in_use: {
    byName: false,
    en: () => ({
      subject: 'Your e-mail address was given for another account',
      paragraphs: [
        'somebody, probably you, wanted to use this address for another account at BrokerX+. It ' +
          'belongs to yours, and nothing was changed.',
      ],
    }),
    fr: () => ({
      subject: 'Votre adresse e-mail a été donnée pour un autre compte',
      paragraphs: [
        'Quelqu’un, sans doute vous, a voulu utiliser cette adresse pour un autre compte chez ' +
          'BrokerX+. Elle appartient au vôtre, et rien n’a changé.',
      ],
    }),
  },
} as const satisfies Readonly<Record<string, Template>>;
