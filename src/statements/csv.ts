import { pipeline, Readable } from 'node:stream';
import { stringify } from 'csv-stringify';
import { formatDecimal, PRICE_SCALE, QTY_SCALE } from '../domain/money.js';
import type { StatementLine } from './lines.js';
import type { Statement } from './model.js';
import { valueOf } from './presenter.js';

const COLUMNS = [
  'section',
  'item',
  'time',
  'symbol',
  'side',
  'qty',
  'price',
  'amount',
  'fee',
  'cost_basis',
  'text',
] as const;
type Row = Partial<Record<(typeof COLUMNS)[number], string>>;

const money = (units: bigint): string => formatDecimal(units, PRICE_SCALE);
const quantity = (units: bigint): string => formatDecimal(units, QTY_SCALE);

/** What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection). */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

/** Text that somebody else chose: an apostrophe makes a spreadsheet show it as it is. */
const plainText = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);

/**
 * The whole statement as one table, of any length: it is written as it is read.
 * @param lines of the day, with their fees
 */
export function writeCsv(statement: Statement, lines: AsyncIterable<StatementLine>): Readable {
  const csv = stringify({ header: true, columns: [...COLUMNS], record_delimiter: 'windows' });
  const rows = Readable.from(rowsOf(statement, lines), { objectMode: true });
  pipeline(rows, csv, () => undefined); // a failure destroys the answer, and Koa notes it
  return csv;
}

async function* rowsOf(
  statement: Statement,
  lines: AsyncIterable<StatementLine>,
): AsyncGenerator<Row> {
  yield* headRows(statement);
  for (const position of statement.positions) {
    yield {
      section: 'position',
      item: 'long',
      time: statement.closesAt.toISOString(),
      symbol: position.symbol,
      qty: quantity(position.qty),
      price: position.closePrice === null ? '' : money(position.closePrice),
      amount: money(valueOf(position)),
      cost_basis: money(position.costBasis),
    };
  }
  for await (const line of lines) yield activityRow(line);
}

function* headRows(statement: Statement): Generator<Row> {
  const account = { section: 'account' };
  yield { ...account, item: 'account_number', text: statement.accountNumber };
  yield { ...account, item: 'account_holder', text: plainText(statement.accountHolder) };
  yield { ...account, item: 'date', text: statement.date };
  yield { ...account, item: 'opens_at', time: statement.opensAt?.toISOString() ?? '' };
  yield { ...account, item: 'closes_at', time: statement.closesAt.toISOString() };
  yield { ...account, item: 'currency', text: 'USD' };
  const amounts = {
    opening_cash: statement.openingCash,
    deposits: statement.deposits,
    withdrawals: statement.withdrawals,
    adjustments: statement.adjustments,
    purchases: statement.purchases,
    sales: statement.sales,
    fees: statement.fees,
    closing_cash: statement.closingCash,
    position_value: statement.positionValue,
    equity: statement.equity,
  };
  for (const [item, amount] of Object.entries(amounts)) {
    yield { section: 'summary', item, amount: money(amount) };
  }
}

const activityRow = (line: StatementLine): Row => ({
  section: 'activity',
  item: line.type,
  time: line.time.toISOString(),
  symbol: line.symbol ?? '',
  side: line.side ?? '',
  qty: line.qty === null ? '' : quantity(line.qty),
  price: line.price === null ? '' : money(line.price),
  amount: money(line.amount),
  fee: money(line.fee),
  text: plainText(`${line.description} (${line.reference})`),
});
