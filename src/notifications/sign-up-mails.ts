import { CODE, LIFETIME, type Template } from './mail-template.js';

/**
 * Mails to addresses that nobody has confirmed call nobody by name: anybody could have written one
 * into the sign-up, and have us send it.
 */
export const SIGN_UP_MAILS = {
  verify_email: {
    byName: false,
    en: (data, secret) => ({
      subject: 'Confirm your e-mail address',
      paragraphs: [
        'somebody, probably you, signed up at BrokerX+ with this address.',
        ...CODE.en(data, secret),
        LIFETIME.day.en,
        'If it was not you, there is nothing to do: without the code nothing comes of it.',
      ],
    }),
    fr: (data, secret) => ({
      subject: 'Confirmez votre adresse e-mail',
      paragraphs: [
        'Quelqu’un, sans doute vous, s’est inscrit chez BrokerX+ avec cette adresse.',
        ...CODE.fr(data, secret),
        LIFETIME.day.fr,
        'Si ce n’était pas vous, il n’y a rien à faire : sans le code, l’inscription reste sans suite.',
      ],
    }),
  },
  sign_up_exists: {
    byName: false,
    en: (data, secret) => ({
      subject: 'You have an account already',
      paragraphs: [
        'somebody, probably you, signed up at BrokerX+ with this address, but it has an account. ' +
          'Nothing was changed: log in as before. If you have forgotten the password, choose a new ' +
          'one.',
        ...CODE.en(data, secret),
        LIFETIME.hour.en,
      ],
    }),
    fr: (data, secret) => ({
      subject: 'Vous avez déjà un compte',
      paragraphs: [
        'Quelqu’un, sans doute vous, s’est inscrit chez BrokerX+ avec cette adresse, mais elle a ' +
          'déjà un compte. Rien n’a changé : connectez-vous comme avant. Si vous avez oublié le mot ' +
          'de passe, choisissez-en un nouveau.',
        ...CODE.fr(data, secret),
        LIFETIME.hour.fr,
      ],
    }),
  },
  sign_up_phone_taken: {
    byName: false,
    en: () => ({
      subject: 'Your sign-up could not be completed',
      paragraphs: [
        'somebody, probably you, signed up at BrokerX+ with this address and a telephone number ' +
          'that cannot be used. Nothing of it was kept.',
        'Sign up again with another number. If you have an account already, log in with the address ' +
          'that you used then; if the number is yours and you have none, write to ' +
          'support@brokerx.example.',
      ],
    }),
    fr: () => ({
      subject: 'Votre inscription n’a pas pu aboutir',
      paragraphs: [
        'Quelqu’un, sans doute vous, s’est inscrit chez BrokerX+ avec cette adresse et un numéro de ' +
          'téléphone qui ne peut pas servir. Rien n’en a été conservé.',
        'Inscrivez-vous avec un autre numéro. Si vous avez déjà un compte, connectez-vous avec ' +
          'l’adresse d’alors ; si le numéro est à vous et que vous n’en avez pas, écrivez à ' +
          'support@brokerx.example.',
      ],
    }),
  },
  sign_up_reminder: {
    byName: false,
    en: (data, secret) => ({
      subject: 'Your sign-up is waiting for you',
      paragraphs: [
        'you signed up at BrokerX+, but have not confirmed your e-mail address yet.',
        ...CODE.en(data, secret),
        `${LIFETIME.day.en} On ${data['expires_on']!} the sign-up is closed and its data erased.`,
        'If it was not you, there is nothing to do.',
      ],
    }),
    fr: (data, secret) => ({
      subject: 'Votre inscription vous attend',
      paragraphs: [
        'Vous vous êtes inscrit chez BrokerX+, mais votre adresse e-mail n’est pas encore confirmée.',
        ...CODE.fr(data, secret),
        `${LIFETIME.day.fr} Le ${data['expires_on']!}, l’inscription sera close et ses données ` +
          'effacées.',
        'Si ce n’était pas vous, il n’y a rien à faire.',
      ],
    }),
  },
  sign_up_expired: {
    byName: false,
    en: () => ({
      subject: 'Your sign-up has expired',
      paragraphs: [
        'your e-mail address was not confirmed in time, so we have closed the sign-up and erased ' +
          'what we do not need of its data. You may sign up again at any time.',
      ],
    }),
    fr: () => ({
      subject: 'Votre inscription a expiré',
      paragraphs: [
        'Votre adresse e-mail n’a pas été confirmée à temps : nous avons clos l’inscription et ' +
          'effacé les données dont nous n’avons pas besoin. Vous pouvez vous réinscrire à tout moment.',
      ],
    }),
  },
} as const satisfies Readonly<Record<string, Template>>;
