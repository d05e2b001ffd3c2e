import type { Template } from './mail-template.js';
import { NOT_YOU } from './said.js';

const WHY = {
  gone: {
    en: 'it has answered 410, which means that nobody is there any more',
    fr: 'elle a répondu 410, ce qui veut dire que plus personne n’y est',
  },
  failing: {
    en: 'it has taken nothing for days',
    fr: 'elle n’a rien accepté depuis des jours',
  },
} as const;

const whyIn = (language: 'en' | 'fr', why: string): string =>
  WHY[why === 'gone' ? 'gone' : 'failing'][language];

/** Mails about where a client's events are posted to. The URL is no link: its owner may be a stranger. */
export const WEBHOOK_MAILS = {
  webhook_created: {
    byName: true,
    en: ({ url }) => ({
      subject: 'A webhook was set up for your account',
      paragraphs: [
        `from now on what happens on your account is posted to this address: ${url!}`,
        `If it was not you, delete it. ${NOT_YOU.en}`,
      ],
    }),
    fr: ({ url }) => ({
      subject: 'Un webhook a été ajouté à votre compte',
      paragraphs: [
        `Désormais, ce qui se passe sur votre compte est envoyé à cette adresse : ${url!}`,
        `Si ce n’était pas vous, supprimez-le. ${NOT_YOU.fr}`,
      ],
    }),
  },
  webhook_disabled: {
    byName: true,
    en: ({ url, why, since_id }) => ({
      subject: 'A webhook of your account was turned off',
      paragraphs: [
        `nothing is posted to this address any more, since ${whyIn('en', why!)}: ${url!}`,
        'Nothing is lost: once it is turned on again (PATCH /v2/webhooks/{id} with "enabled": true) it ' +
          'goes on where it stopped.',
        `What waits can be read at GET /v2/events?since_id=${since_id!}; of the first of these events you ` +
          'are told by mail.',
      ],
    }),
    fr: ({ url, why, since_id }) => ({
      subject: 'Un webhook de votre compte a été désactivé',
      paragraphs: [
        `Plus rien n’est envoyé à cette adresse, car ${whyIn('fr', why!)} : ${url!}`,
        'Rien n’est perdu : une fois réactivé (PATCH /v2/webhooks/{id} avec "enabled": true), il ' +
          'reprend là où il s’est arrêté.',
        `Ce qui attend se lit à GET /v2/events?since_id=${since_id!} ; les premiers de ces événements ` +
          'vous sont annoncés par e-mail.',
      ],
    }),
  },
} as const satisfies Readonly<Record<string, Template>>;
