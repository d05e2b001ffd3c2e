import { averagePrice, formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { Language } from './events.js';
import { decimalIn, dollarsIn, type InEachLanguage } from './language.js';
import { layOut, type Mail } from './letter.js';
import { HELLO } from './said.js';
import { wordIn } from './words.js';

export type { Mail } from './letter.js';

/** What was executed of one order. Quantities in 10^-9 units, money in 10^-4 USD. */
export interface ExecutedOrder {
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  /** How many trades it took. */
  readonly executions: number;
  readonly qty: bigint;
  readonly value: bigint;
  readonly fees: bigint;
  /** The order's status after the last of these executions. */
  readonly status: string;
}

/** A digest for one account: the orders that were executed since the last one. */
export interface ExecutionDigest {
  readonly to: string;
  readonly firstName: string;
  readonly accountNumber: string;
  readonly orders: readonly ExecutedOrder[];
}

/** A longer mail helps nobody; the rest is summed up and can be read through the API. */
const ORDERS_LISTED_MAX = 100;

interface DigestTexts {
  readonly columns: readonly string[];
  readonly opening: (orders: number, accountNumber: string) => string;
  readonly subject: (orders: number) => string;
  /** Such as `Bought 2 AAPL at 150.25 USD`. */
  readonly headline: (side: 'buy' | 'sell', qtyAndSymbol: string, price: string) => string;
  readonly details: (value: string, fees: string, executions: number, status: string) => string;
  readonly more: (orders: number) => string;
  readonly totals: (value: string, fees: string) => readonly string[];
}

const TEXTS: InEachLanguage<DigestTexts> = {
  en: {
    columns: [
      'Symbol',
      'Side',
      'Quantity',
      'Average price',
      'Value',
      'Fees',
      'Executions',
      'Status',
    ],
    opening: (orders, account) =>
      orders === 1
        ? `an order of your account ${account} was executed:`
        : `${orders} orders of your account ${account} were executed:`,
    subject: (orders) => `${orders} orders were executed`,
    headline: (side, what, price) => `${side === 'buy' ? 'Bought' : 'Sold'} ${what} at ${price}`,
    details: (value, fees, executions, status) =>
      `  value ${value}, fees ${fees}, ` +
      `${executions} execution${executions === 1 ? '' : 's'}, ${status}`,
    more: (orders) => `... and ${orders} more orders.`,
    totals: (value, fees) => [`Total value ${value},`, `fees ${fees}.`],
  },
  fr: {
    columns: [
      'Symbole',
      'Sens',
      'Quantité',
      'Cours moyen',
      'Valeur',
      'Frais',
      'Exécutions',
      'État',
    ],
    opening: (orders, account) =>
      orders === 1
        ? `Un ordre de votre compte ${account} a été exécuté :`
        : `${orders} ordres de votre compte ${account} ont été exécutés :`,
    subject: (orders) => `${orders} ordres ont été exécutés`,
    headline: (side, what, price) => `${side === 'buy' ? 'Achat' : 'Vente'} de ${what} à ${price}`,
    details: (value, fees, executions, status) =>
      `  valeur ${value}, frais ${fees}, ` +
      `${executions} exécution${executions === 1 ? '' : 's'}, ${status}`,
    more: (orders) => `... et ${orders} autres ordres.`,
    totals: (value, fees) => [`Valeur totale ${value},`, `frais ${fees}.`],
  },
};
const NUMBER_COLUMNS: ReadonlySet<number> = new Set([2, 3, 4, 5, 6]);

/** Writes the mail that tells a client of the executions of one or more orders. */
export function executionMail(digest: ExecutionDigest, language: Language = 'en'): Mail {
  const { to, firstName, accountNumber, orders } = digest;
  const texts = TEXTS[language];
  const listed = orders.slice(0, ORDERS_LISTED_MAX);
  const more = orders.length - listed.length;
  const sum = (amounts: readonly bigint[]) =>
    usd(
      language,
      amounts.reduce((a, b) => a + b, 0n),
    );
  const [value, fees] = [orders.map((one) => one.value), orders.map((one) => one.fees)].map(sum);
  const [only] = orders;
  return layOut({
    to,
    language,
    subject:
      only && orders.length === 1 ? headlineOf(language, only) : texts.subject(orders.length),
    parts: [
      HELLO[language](firstName),
      texts.opening(orders.length, accountNumber),
      {
        columns: texts.columns.map((name, n) => ({ name, isNumber: NUMBER_COLUMNS.has(n) })),
        rows: listed.map((order) => cellsOf(language, order)),
        lines: listed.flatMap((order) => linesOf(language, order)),
      },
      { lines: [...(more > 0 ? [texts.more(more)] : []), ...texts.totals(value!, fees!)] },
    ],
  });
}

const usd = (language: Language, units: bigint): string =>
  dollarsIn(language, formatDecimal(units, PRICE_SCALE));

const qtyOf = (language: Language, { qty }: ExecutedOrder): string =>
  decimalIn(language, formatDecimal(qty, QTY_SCALE));

const priceOf = (language: Language, { value, qty }: ExecutedOrder): string =>
  decimalIn(language, averagePrice(value, qty));

const headlineOf = (language: Language, order: ExecutedOrder): string =>
  TEXTS[language].headline(
    order.side,
    `${qtyOf(language, order)} ${order.symbol}`,
    `${priceOf(language, order)} USD`,
  );

const cellsOf = (language: Language, order: ExecutedOrder): string[] => [
  order.symbol,
  wordIn(language, order.side),
  qtyOf(language, order),
  priceOf(language, order),
  decimalIn(language, formatDecimal(order.value, PRICE_SCALE)),
  decimalIn(language, formatDecimal(order.fees, PRICE_SCALE)),
  String(order.executions),
  wordIn(language, order.status),
];

/** Two short lines an order, which any screen shows unbroken. */
function linesOf(language: Language, order: ExecutedOrder): string[] {
  const [value, fees] = [usd(language, order.value), usd(language, order.fees)];
  const status = wordIn(language, order.status);
  return [
    headlineOf(language, order),
    TEXTS[language].details(value, fees, order.executions, status),
  ];
}
