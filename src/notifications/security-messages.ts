import type { SecurityData } from './events.js';
import { timeText } from './language.js';
import { NOT_YOU, plain, sentence, time, type MessageTemplate } from './said.js';
import { sentenceIn } from './words.js';

type Message = MessageTemplate<SecurityData>;

const facts: Message['facts'] = ({ at, ip, device }) => [
  time('at', at),
  plain('ip', ip),
  sentence('device', device),
];

/** A sentence of its own, where there is something to say. */
const ifAny = (text: string | null): string[] => (text === null || text === '' ? [] : [text]);

/** What clients are told of who can get at their account; they cannot turn it off. */
export const SECURITY_MESSAGES = {
  'security.new_device': {
    facts,
    en: () => ({
      subject: 'A new device has logged in to your account',
      paragraphs: [
        'somebody logged in to your account with a device that it has not seen before.',
        `If it was you, there is nothing to do. ${NOT_YOU.en}`,
      ],
    }),
    fr: () => ({
      subject: 'Un nouvel appareil s’est connecté à votre compte',
      paragraphs: [
        'Quelqu’un s’est connecté à votre compte avec un appareil qui n’y était pas connu.',
        `Si c’était vous, il n’y a rien à faire. ${NOT_YOU.fr}`,
      ],
    }),
  },
  'security.api_key_created': {
    facts,
    en: ({ detail }) => ({
      subject: 'A new API key for your account',
      paragraphs: ['an API key was made for your account.', ...ifAny(detail), NOT_YOU.en],
    }),
    fr: ({ detail }) => ({
      subject: 'Une nouvelle clé d’API pour votre compte',
      paragraphs: ['Une clé d’API a été créée pour votre compte.', ...ifAny(detail), NOT_YOU.fr],
    }),
  },
  'security.second_factor_changed': {
    facts,
    en: ({ detail }) => ({
      subject: 'Your second factors were changed',
      paragraphs: ['your second factors were changed.', ...ifAny(detail), NOT_YOU.en],
    }),
    fr: ({ detail }) => ({
      subject: 'Vos seconds facteurs ont changé',
      paragraphs: [
        'Vos seconds facteurs ont été modifiés.',
        ...ifAny(detail && sentenceIn('fr', detail)),
        NOT_YOU.fr,
      ],
    }),
  },
  'security.password_changed': {
    facts,
    en: ({ at }) => ({
      subject: 'Your password was changed',
      paragraphs: [
        `the password of your account was changed on ${timeText(at)}, and your other sessions have ` +
          'ended.',
        NOT_YOU.en,
      ],
    }),
    fr: ({ at }) => ({
      subject: 'Votre mot de passe a été changé',
      paragraphs: [
        `Le mot de passe de votre compte a été changé le ${timeText(at)}, et vos autres sessions ont ` +
          'pris fin.',
        NOT_YOU.fr,
      ],
    }),
  },
  'security.email_changed': {
    facts,
    en: ({ at }) => ({
      subject: 'Your e-mail address was changed',
      paragraphs: [
        `on ${timeText(at)} the e-mail address of your account was changed. This one is not used any ` +
          'more.',
        NOT_YOU.en,
      ],
    }),
    fr: ({ at }) => ({
      subject: 'Votre adresse e-mail a été changée',
      paragraphs: [
        `Le ${timeText(at)}, l’adresse e-mail de votre compte a été changée. Celle-ci ne sert plus.`,
        NOT_YOU.fr,
      ],
    }),
  },
} as const satisfies Readonly<Record<string, Message>>;
