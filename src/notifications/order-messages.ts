import { formatDecimal, parseDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { Language, OrderData } from './events.js';
import { decimalIn, dollarsIn } from './language.js';
import {
  dollars,
  number,
  plain,
  term,
  type Fact,
  type MessageTemplate,
  type Said,
} from './said.js';

type Message = MessageTemplate<OrderData>;

/** Digits of an average price after the point (domain/money.ts). */
const AVERAGE_SCALE = 6;

const isExecuted = ({ executions }: OrderData): boolean => executions > 0;

/** What an execution moves on the account: a buyer pays the fees on top, a seller gets less. */
function totalOf({ side, value, fees }: OrderData): string {
  const [worth, cost] = [parseDecimal(value, PRICE_SCALE), parseDecimal(fees, PRICE_SCALE)];
  return formatDecimal(side === 'buy' ? worth + cost : worth - cost, PRICE_SCALE);
}

/** Whether quantity times average price is the value to the last digit, or the average is rounded. */
const isExact = ({ executed_qty, average_price, value }: OrderData): boolean =>
  parseDecimal(executed_qty, QTY_SCALE) * parseDecimal(average_price ?? '0', AVERAGE_SCALE) ===
  parseDecimal(value, PRICE_SCALE) * 10n ** BigInt(QTY_SCALE + AVERAGE_SCALE - PRICE_SCALE);

const ordered = (data: OrderData): (Fact | null)[] => [
  plain('order', data.order_id),
  plain('client_order', data.client_order_id),
  plain('symbol', data.symbol),
  term('side', data.side),
  term('type', data.type),
  number('qty', data.qty),
  dollars('notional', data.notional),
  dollars('limit_price', data.limit_price),
  dollars('stop_price', data.stop_price),
];

const executed = (data: OrderData): (Fact | null)[] => [
  number('executed_qty', data.executed_qty),
  dollars('average_price', data.average_price),
  dollars('value', data.value),
  dollars('fees', data.fees),
  dollars('total', totalOf(data)),
  number('executions', String(data.executions)),
];

const facts = (data: OrderData): (Fact | null)[] => [
  ...ordered(data),
  ...(isExecuted(data) ? executed(data) : []),
  number('filled_qty', data.filled_qty),
  term('status', data.status),
  term('reason', data.reason),
];

/** The sum that a person can check, from quantity and average price to what was booked. */
const SUMS = {
  en(data: OrderData): string {
    const { executed_qty: qty, average_price: price, value, fees, side } = data;
    const rounded = isExact(data) ? '' : ' (rounded)';
    const sum = `${qty} x ${price ?? '0'}${rounded} = ${value} USD.`;
    const total = `${totalOf(data)} USD`;
    return side === 'buy'
      ? `${sum} With fees of ${fees} USD, ${total} were taken from your account.`
      : `${sum} Less fees of ${fees} USD, ${total} were added to your account.`;
  },
  fr(data: OrderData): string {
    const say = (text: string) => decimalIn('fr', text);
    const { executed_qty: qty, average_price: price, value, fees, side } = data;
    const rounded = isExact(data) ? '' : ' (arrondi)';
    const sum = `${say(qty)} x ${say(price ?? '0')}${rounded} = ${say(value)} USD.`;
    const [cost, total] = [`${say(fees)} USD`, `${say(totalOf(data))} USD`];
    return side === 'buy'
      ? `${sum} Avec ${cost} de frais, ${total} ont été prélevés sur votre compte.`
      : `${sum} Après ${cost} de frais, ${total} ont été versés sur votre compte.`;
  },
};

/** Such as `2 AAPL`, or `AAPL for 100 USD` for an order by notional. */
function wanted(language: Language, { symbol, qty, notional }: OrderData): string {
  if (qty !== null) return `${decimalIn(language, qty)} ${symbol}`;
  if (notional === null) return symbol;
  return `${symbol} ${language === 'fr' ? 'pour' : 'for'} ${dollarsIn(language, notional)}`;
}

/** Such as `order to buy 2 AAPL`. */
const orderIn = {
  en: (data: OrderData) => `order to ${data.side} ${wanted('en', data)}`,
  fr: (data: OrderData) =>
    `ordre ${data.side === 'buy' ? 'd’achat' : 'de vente'} de ${wanted('fr', data)}`,
};

/** Such as `Bought 2 AAPL at 150.25 USD`. */
const executionIn = {
  en: ({ side, executed_qty: qty, symbol, average_price: price }: OrderData) =>
    `${side === 'buy' ? 'Bought' : 'Sold'} ${qty} ${symbol} at ${price ?? '0'} USD`,
  fr: ({ side, executed_qty: qty, symbol, average_price: price }: OrderData) =>
    `${side === 'buy' ? 'Achat' : 'Vente'} de ${decimalIn('fr', qty)} ${symbol} ` +
    `à ${dollarsIn('fr', price ?? '0')}`,
};

/** With the sum of what was executed on the way, if anything was. */
const withSum = (language: Language, data: OrderData, said: Said): Said =>
  isExecuted(data) ? { ...said, after: [SUMS[language](data)] } : said;

/** An order that ended with nothing more to execute. */
const ended = (en: string, fr: string): Message => ({
  facts,
  en: (data) =>
    withSum('en', data, {
      subject: `Your ${orderIn.en(data)} ${en}`,
      paragraphs: [`your ${orderIn.en(data)} ${en}. Nothing more of it will be executed.`],
    }),
  fr: (data) =>
    withSum('fr', data, {
      subject: `Votre ${orderIn.fr(data)} ${fr}`,
      paragraphs: [`Votre ${orderIn.fr(data)} ${fr}. Il ne sera plus exécuté.`],
    }),
});

/** What clients are told of their orders. */
export const ORDER_MESSAGES = {
  'order.accepted': {
    facts,
    en: (data) => ({
      subject: `We have your ${orderIn.en(data)}`,
      paragraphs: [`we have accepted your ${orderIn.en(data)}. It is not executed yet.`],
    }),
    fr: (data) => ({
      subject: `Nous avons reçu votre ${orderIn.fr(data)}`,
      paragraphs: [`Nous avons accepté votre ${orderIn.fr(data)}. Il n’est pas encore exécuté.`],
    }),
  },
  'order.partially_filled': {
    facts,
    en: (data) =>
      withSum('en', data, {
        subject: `Partly filled: ${executionIn.en(data)}`,
        paragraphs: [`a part of your ${orderIn.en(data)} was executed.`],
      }),
    fr: (data) =>
      withSum('fr', data, {
        subject: `Exécution partielle : ${executionIn.fr(data)}`,
        paragraphs: [`Une partie de votre ${orderIn.fr(data)} a été exécutée.`],
      }),
  },
  'order.filled': {
    facts,
    en: (data) =>
      withSum('en', data, {
        subject: executionIn.en(data),
        paragraphs: [`your ${orderIn.en(data)} is filled.`],
      }),
    fr: (data) =>
      withSum('fr', data, {
        subject: executionIn.fr(data),
        paragraphs: [`Votre ${orderIn.fr(data)} est entièrement exécuté.`],
      }),
  },
  'order.rejected': ended('was rejected', 'a été rejeté'),
  'order.canceled': ended('was canceled', 'a été annulé'),
  'order.expired': ended('has expired', 'a expiré'),
} as const satisfies Readonly<Record<string, Message>>;
