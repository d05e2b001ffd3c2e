import { averagePrice, formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import { escapeHtml } from './html.js';

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

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A longer mail helps nobody; the rest is summed up and can be read through the API. */
const ORDERS_LISTED_MAX = 100;

const COLUMNS = [
  'Symbol',
  'Side',
  'Quantity',
  'Average price',
  'Value',
  'Fees',
  'Executions',
  'Status',
] as const;
const RIGHT_ALIGNED = new Set<string>(['Quantity', 'Average price', 'Value', 'Fees', 'Executions']);

const usd = (units: bigint): string => `${formatDecimal(units, PRICE_SCALE)} USD`;

/** Writes the mail that tells a client of the executions of one or more orders. */
export function executionMail({ to, firstName, accountNumber, orders }: ExecutionDigest): Mail {
  const listed = orders.slice(0, ORDERS_LISTED_MAX);
  const greeting = `Hello ${firstName},`;
  const opening =
    orders.length === 1
      ? `an order of your account ${accountNumber} was executed:`
      : `${orders.length} orders of your account ${accountNumber} were executed:`;
  const more = orders.length - listed.length;
  const closing = [
    ...(more > 0 ? [`... and ${more} more orders.`] : []),
    `Total value ${usd(sum(orders.map(({ value }) => value)))},`,
    `fees ${usd(sum(orders.map(({ fees }) => fees)))}.`,
  ];
  return {
    to,
    subject: subjectOf(orders),
    text: [
      greeting,
      '',
      opening,
      '',
      ...listed.flatMap(linesOf),
      '',
      ...closing,
      '',
      'BrokerX+',
      '',
    ].join('\n'),
    html: htmlOf(greeting, opening, listed.map(cellsOf), closing),
  };
}

function subjectOf(orders: readonly ExecutedOrder[]): string {
  const [only] = orders;
  return only && orders.length === 1 ? headlineOf(only) : `${orders.length} orders were executed`;
}

/** Such as `Bought 2 AAPL at 150.25 USD`. */
function headlineOf({ side, qty, symbol, value }: ExecutedOrder): string {
  const verb = side === 'buy' ? 'Bought' : 'Sold';
  return `${verb} ${formatDecimal(qty, QTY_SCALE)} ${symbol} at ${averagePrice(value, qty)} USD`;
}

const statusOf = ({ status }: ExecutedOrder): string => status.replaceAll('_', ' ');

const cellsOf = (order: ExecutedOrder): string[] => [
  order.symbol,
  order.side,
  formatDecimal(order.qty, QTY_SCALE),
  averagePrice(order.value, order.qty),
  formatDecimal(order.value, PRICE_SCALE),
  formatDecimal(order.fees, PRICE_SCALE),
  String(order.executions),
  statusOf(order),
];

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, one) => all + one, 0n);

/** Two short lines an order, which any screen shows unbroken. */
function linesOf(order: ExecutedOrder): string[] {
  const money = `value ${usd(order.value)}, fees ${usd(order.fees)}`;
  const executions = order.executions === 1 ? '1 execution' : `${order.executions} executions`;
  return [headlineOf(order), `  ${money}, ${executions}, ${statusOf(order)}`];
}

/** Short lines: longer than 76 characters they would be encoded, and hard to read in the outbox. */
function htmlOf(
  greeting: string,
  opening: string,
  rows: readonly string[][],
  closing: readonly string[],
): string {
  const cell = (tag: 'th' | 'td', text: string, n: number): string => {
    const align = RIGHT_ALIGNED.has(COLUMNS[n]!) ? ' align="right"' : '';
    return `<${tag}${align}>${escapeHtml(text)}</${tag}>`;
  };
  return [
    '<!doctype html>',
    '<html><body>',
    `<p>${escapeHtml(greeting)}</p>`,
    `<p>${escapeHtml(opening)}</p>`,
    '<table cellpadding="6">',
    '<tr>',
    ...COLUMNS.map((name, n) => cell('th', name, n)),
    '</tr>',
    ...rows.flatMap((cells) => ['<tr>', ...cells.map((text, n) => cell('td', text, n)), '</tr>']),
    '</table>',
    ...closing.map((line) => `<p>${escapeHtml(line)}</p>`),
    '<p>BrokerX+</p>',
    '</body></html>',
    '',
  ].join('\n');
}
