import { asMessage, type Template } from './mail-template.js';
import { NOT_YOU } from './said.js';
import { SECURITY_MESSAGES } from './security-messages.js';
import { wordIn } from './words.js';

const UNKNOWN = { at: '', ip: null, device: null };

/** Mails about who can get at an account. */
export const SECURITY_MAILS = {
  second_factor_code: {
    byName: true,
    en: (_data, code) => ({
      subject: 'Your code for BrokerX+',
      paragraphs: [
        `your code is ${code!}. It is good for ten minutes and for one use.`,
        'We never ask for it by phone or mail. If you did not ask for it, somebody knows your ' +
          'password: change it.',
      ],
    }),
    fr: (_data, code) => ({
      subject: 'Votre code pour BrokerX+',
      paragraphs: [
        `Votre code est ${code!}. Il est valable dix minutes et sert une fois.`,
        'Nous ne le demandons jamais par téléphone ni par e-mail. Si vous ne l’avez pas demandé, ' +
          'quelqu’un connaît votre mot de passe : changez-le.',
      ],
    }),
  },
  second_factor_changed: asMessage(
    SECURITY_MESSAGES['security.second_factor_changed'],
    ({ change }) => ({ ...UNKNOWN, detail: change! }),
  ),
  api_key_created: {
    byName: true,
    en: ({ label, scopes }) => ({
      subject: 'A new API key for your account',
      paragraphs: [
        `an API key was made for your account: ${label!} (it may ${scopes!}).`,
        `If it was not you, revoke it. ${NOT_YOU.en}`,
      ],
    }),
    fr: ({ label, scopes }) => ({
      subject: 'Une nouvelle clé d’API pour votre compte',
      paragraphs: [
        `Une clé d’API a été créée pour votre compte : ${label!} (elle permet de ` +
          `${scopes!
            .split(', ')
            .map((scope) => wordIn('fr', scope))
            .join(', ')}).`,
        `Si ce n’était pas vous, révoquez-la. ${NOT_YOU.fr}`,
      ],
    }),
  },
  new_device: asMessage(SECURITY_MESSAGES['security.new_device'], ({ at, ip, device }) => ({
    at: at!,
    ip: ip!,
    device: device!,
    detail: null,
  })),
  staff_invitation: {
    byName: true,
    en: ({ role }, token) => ({
      subject: 'Welcome to BrokerX+: set your password',
      paragraphs: [
        `you have been taken on as ${wordIn('en', role!)}. Set your password with this token, once ` +
          'and within an hour:',
        token!,
        'Send it to POST /v2/clients/password/reset with your e-mail address and the password. If ' +
          'the hour is over, ask for another one as for a forgotten password.',
      ],
    }),
    fr: ({ role }, token) => ({
      subject: 'Bienvenue chez BrokerX+ : choisissez votre mot de passe',
      paragraphs: [
        `Vous rejoignez BrokerX+ (${wordIn('fr', role!)}). Choisissez votre mot de passe avec ce ` +
          'jeton, une fois et dans l’heure :',
        token!,
        'Envoyez-le à POST /v2/clients/password/reset avec votre adresse e-mail et le mot de passe. ' +
          'L’heure passée, demandez-en un autre comme pour un mot de passe oublié.',
      ],
    }),
  },
} as const satisfies Readonly<Record<string, Template>>;
