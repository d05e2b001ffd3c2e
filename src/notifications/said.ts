import type { LetterFact } from './letter.js';
import type { Language } from './events.js';
import { decimalIn, dollarsIn, timeText, type InEachLanguage } from './language.js';
import { sentenceIn, wordIn } from './words.js';

/** What a template says in one language; how it is greeted and laid out is the same for all. */
export interface Said {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  /** After the facts. */
  readonly after?: readonly string[];
}

/** A message's texts, one language beside the other, and its facts, which are the same in all. */
export interface MessageTemplate<Data> extends InEachLanguage<(data: Data) => Said> {
  readonly facts: (data: Data) => readonly (Fact | null)[];
}

/** A name and a value that are not in any language yet. */
export interface Fact {
  readonly label: Label;
  readonly valueIn: (language: Language) => string;
  readonly isNumber: boolean;
}

/** What a fact is of. */
const LABELS = {
  account: { en: 'Account', fr: 'Compte' },
  order: { en: 'Order', fr: 'Ordre' },
  client_order: { en: 'Your order id', fr: 'Votre référence' },
  symbol: { en: 'Symbol', fr: 'Symbole' },
  side: { en: 'Side', fr: 'Sens' },
  type: { en: 'Type', fr: 'Type' },
  qty: { en: 'Ordered quantity', fr: 'Quantité demandée' },
  notional: { en: 'Ordered amount', fr: 'Montant demandé' },
  limit_price: { en: 'Limit price', fr: 'Cours limite' },
  stop_price: { en: 'Stop price', fr: 'Cours de déclenchement' },
  executed_qty: { en: 'Executed quantity', fr: 'Quantité exécutée' },
  average_price: { en: 'Average price', fr: 'Cours moyen' },
  value: { en: 'Value', fr: 'Valeur' },
  fees: { en: 'Fees', fr: 'Frais' },
  total: { en: 'Total', fr: 'Total' },
  executions: { en: 'Executions', fr: 'Exécutions' },
  filled_qty: { en: 'Filled so far', fr: 'Exécuté au total' },
  status: { en: 'Status', fr: 'État' },
  reason: { en: 'Reason', fr: 'Motif' },
  transfer: { en: 'Transfer', fr: 'Virement' },
  amount: { en: 'Amount', fr: 'Montant' },
  bank_account: { en: 'Bank account', fr: 'Compte bancaire' },
  owed: { en: 'You owe', fr: 'Vous devez' },
  at: { en: 'Time', fr: 'Heure' },
  ip: { en: 'Address', fr: 'Adresse' },
  device: { en: 'Device', fr: 'Appareil' },
  day: { en: 'Day', fr: 'Jour' },
  statement: { en: 'Statement', fr: 'Relevé' },
} as const satisfies Readonly<Record<string, InEachLanguage<string>>>;

export type Label = keyof typeof LABELS;

const fact =
  (isNumber: boolean, valueIn: (language: Language, text: string) => string) =>
  (label: Label, text: string | null): Fact | null =>
    text === null || text === ''
      ? null // such as the limit of an order that has none
      : { label, isNumber, valueIn: (language) => valueIn(language, text) };

export const plain = fact(false, (_language, text) => text);
export const term = fact(false, wordIn);
export const sentence = fact(false, sentenceIn);
export const time = fact(false, (_language, text) => timeText(text));
export const number = fact(true, decimalIn);
export const dollars = fact(true, dollarsIn);

/** The facts that there are, in a language. */
export const factsIn = (
  language: Language,
  facts: readonly (Fact | null)[],
): readonly LetterFact[] =>
  facts
    .filter((one) => one !== null)
    .map(({ label, valueIn, isNumber }) => ({
      name: LABELS[label][language],
      value: valueIn(language),
      isNumber,
    }));

/** @param firstName null for somebody whom we call nobody */
export const HELLO: InEachLanguage<(firstName: string | null) => string> = {
  en: (firstName) => (firstName === null ? 'Hello,' : `Hello ${firstName},`),
  fr: (firstName) => (firstName === null ? 'Bonjour,' : `Bonjour ${firstName},`),
};

const SUPPORT = 'support@brokerx.example';

/** The last sentence of what a client may have to act on. */
export const NOT_YOU: InEachLanguage<string> = {
  en: `If it was not you, end all sessions, change your password and write to ${SUPPORT} at once.`,
  fr:
    'Si ce n’était pas vous, fermez toutes vos sessions, changez votre mot de passe et écrivez ' +
    `aussitôt à ${SUPPORT}.`,
};
