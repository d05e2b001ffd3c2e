import type { InEachLanguage } from './language.js';
import type { Fact, MessageTemplate, Said } from './said.js';

export type MailData = Readonly<Record<string, string>>;

/** What a kind of mail says in each language. */
export interface Template extends InEachLanguage<(data: MailData, secret: string | null) => Said> {
  /** False for mails to addresses that may be somebody else's: they call nobody by name. */
  readonly byName: boolean;
  readonly facts?: (data: MailData) => readonly (Fact | null)[];
}

/** A mail that says what a message says, from the data of its row. */
export const asMessage = <Data>(
  message: MessageTemplate<Data>,
  read: (data: MailData) => Data,
): Template => ({
  byName: true,
  facts: (data) => message.facts(read(data)),
  en: (data) => message.en(read(data)),
  fr: (data) => message.fr(read(data)),
});

/** A code and a token as a mail's one secret. */
export const codeSecret = ({ code, token }: { code: string; token: string }): string =>
  `${code} ${token}`;

/** The paragraphs that tell a code, and the link that does the same. */
const codeParagraphs =
  (tell: (code: string) => string) =>
  ({ link }: MailData, secret: string | null): string[] => {
    const [code, token] = (secret ?? '').split(' ');
    return [tell(code!), `${link!}?token=${token!}`];
  };

export const CODE = {
  en: codeParagraphs((code) => `Your code is ${code}. Or open this page:`),
  fr: codeParagraphs((code) => `Votre code est ${code}. Ou ouvrez cette page :`),
} satisfies InEachLanguage<unknown>;

/** How long a code is good for. */
export const LIFETIME = {
  hour: {
    en: 'Code and link work once, and for one hour.',
    fr: 'Le code et le lien servent une fois, pendant une heure.',
  },
  day: {
    en: 'Code and link work once, and for 24 hours.',
    fr: 'Le code et le lien servent une fois, pendant 24 heures.',
  },
} as const satisfies Readonly<Record<string, InEachLanguage<string>>>;
