import { setImmediate as nextTurn } from 'node:timers/promises';
import { Slots } from '../slots.js';
import type { StatementLine } from './lines.js';
import type { Statement } from './model.js';
import { ACCENT, BOLD, CONTENT_WIDTH, MARGIN, MUTED, Sheet, type Column } from './pdf-sheet.js';
import { dollars, fullTime, grouped, quantity, shortTime } from './pdf-text.js';
import { valueOf } from './presenter.js';

/** Some 25 pages: whoever has more to read reads it with a program, as CSV or JSON. */
export const PDF_LINES_MAX = 1_000;
/** Other requests come in between: a page takes some milliseconds to draw. */
const LINES_PER_TURN = 10;

/** Drawing takes the process's one core; more at once would not be done sooner. */
const slots = new Slots(2, 50, 'Too many PDFs at once; try again');

/**
 * The statement as a PDF. The same statement gives the same bytes, whenever it is asked for.
 * @param lines of the day, with their fees; the first PDF_LINES_MAX are shown
 * @throws DomainError 503 when too many are drawn already
 */
export const writePdf = (
  statement: Statement,
  lines: AsyncIterable<StatementLine>,
): Promise<Buffer> => slots.run(() => draw(statement, lines));

async function draw(statement: Statement, lines: AsyncIterable<StatementLine>): Promise<Buffer> {
  const { default: PDFDocument } = await import('pdfkit'); // 100 ms and 20 MB, for who needs it
  const document = new PDFDocument({
    size: 'LETTER',
    margin: 0, // the sheet keeps its own
    bufferPages: true, // the number of pages stands on each of them
    lang: 'en-US',
    displayTitle: true,
    info: {
      Title: `Account statement ${statement.accountNumber} ${statement.date}`,
      Author: 'BrokerX+',
      CreationDate: statement.createdAt,
    },
  });
  const chunks: Buffer[] = [];
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  const written = new Promise<void>((resolve, reject) => {
    document.on('end', resolve);
    document.on('error', reject);
  });
  const sheet = new Sheet(document);
  drawHead(sheet, statement);
  drawSummary(sheet, statement);
  drawPositions(sheet, statement);
  await drawActivity(sheet, lines);
  sheet.footers(`Account ${statement.accountNumber}   Statement of ${statement.date}   BrokerX+`);
  document.end();
  await written;
  return Buffer.concat(chunks);
}

function drawHead(sheet: Sheet, statement: Statement): void {
  const right = MARGIN + CONTENT_WIDTH;
  sheet.text('BrokerX+', MARGIN, sheet.y, 'left', { font: BOLD, size: 18, color: ACCENT });
  const title = { font: BOLD, size: 13 };
  sheet.text('Daily account statement', right, sheet.y + 4, 'right', title);
  sheet.y += 26;
  sheet.rule(sheet.y, ACCENT);
  sheet.y += 10;
  const label = { color: MUTED };
  const value = { size: 9.5, font: BOLD };
  const holder = sheet.fitting(statement.accountHolder, 230, value);
  const facts: [x: number, label: string, value: string][] = [
    [MARGIN, 'Account holder', holder],
    [MARGIN + 250, 'Account number', statement.accountNumber],
    [MARGIN + 400, 'Trading day', statement.date],
  ];
  for (const [x, name, text] of facts) {
    sheet.text(name, x, sheet.y, 'left', label);
    sheet.text(text, x, sheet.y + 11, 'left', value);
  }
  sheet.y += 30;
  const { opensAt, closesAt } = statement;
  const from = opensAt ? `From ${fullTime(opensAt)}` : 'From the opening of the account';
  sheet.note(`${from} up to the close at ${fullTime(closesAt)}. All amounts in US dollars.`);
  sheet.y += 12;
}

const SUMMARY_COLUMNS: readonly Column[] = [
  { title: 'Cash', width: 150, align: 'left' },
  { title: 'Amount', width: 90, align: 'right' },
  { title: '', width: 36, align: 'left' },
  { title: 'Account at the close', width: 150, align: 'left' },
  { title: 'Amount', width: 90, align: 'right' },
];

function drawSummary(sheet: Sheet, statement: Statement): void {
  const cash: [string, bigint][] = [
    ['Opening cash', statement.openingCash],
    ['Deposits', statement.deposits],
    ['Withdrawals', statement.withdrawals],
    ['Adjustments', statement.adjustments],
    ['Purchases', statement.purchases],
    ['Sales', statement.sales],
    ['Fees', statement.fees],
  ];
  const account: [string, string][] = [
    ['Cash', dollars(statement.closingCash)],
    ['Positions', dollars(statement.positionValue)],
    ['Total account value', dollars(statement.equity)],
    ['', ''],
    ['Trades of the day', grouped(String(statement.trades))],
    ['Positions held', String(statement.positions.length)],
  ];
  sheet.heading('Summary');
  sheet.tableHead(SUMMARY_COLUMNS);
  for (const [index, [name, amount]] of cash.entries()) {
    const [label = '', value = ''] = account[index] ?? [];
    sheet.tableRow(SUMMARY_COLUMNS, [name, dollars(amount), '', label, value]);
  }
  sheet.rule(sheet.y);
  sheet.y += 2;
  const closing = ['Closing cash', dollars(statement.closingCash)];
  sheet.tableRow(SUMMARY_COLUMNS, closing, { font: BOLD });
  sheet.y += 14;
}

const POSITION_COLUMNS: readonly Column[] = [
  { title: 'Symbol', width: 76, align: 'left' },
  { title: 'Quantity', width: 100, align: 'right' },
  { title: 'Close', width: 80, align: 'right' },
  { title: 'Market value', width: 90, align: 'right' },
  { title: 'Cost basis', width: 90, align: 'right' },
  { title: 'Unrealized', width: 80, align: 'right' },
];

function drawPositions(sheet: Sheet, { positions, positionValue }: Statement): void {
  sheet.heading('Positions');
  if (positions.length === 0) {
    sheet.note('No positions at the close.');
    sheet.y += 14;
    return;
  }
  sheet.tableHead(POSITION_COLUMNS);
  let cost = 0n;
  for (const position of positions) {
    const value = valueOf(position);
    cost += position.costBasis;
    sheet.tableRow(POSITION_COLUMNS, [
      position.symbol,
      quantity(position.qty),
      position.closePrice === null ? '' : dollars(position.closePrice),
      dollars(value),
      dollars(position.costBasis),
      dollars(value - position.costBasis),
    ]);
  }
  sheet.rule(sheet.y);
  sheet.y += 2;
  const total = ['Total', '', '', dollars(positionValue), dollars(cost)];
  sheet.tableRow(POSITION_COLUMNS, [...total, dollars(positionValue - cost)], { font: BOLD });
  sheet.y += 14;
}

const ACTIVITY_COLUMNS: readonly Column[] = [
  { title: 'Time (UTC)', width: 66, align: 'left' },
  { title: 'Activity', width: 150, align: 'left' },
  { title: 'Symbol', width: 52, align: 'left' },
  { title: 'Quantity', width: 74, align: 'right' },
  { title: 'Price', width: 58, align: 'right' },
  { title: 'Fee', width: 44, align: 'right' },
  { title: 'Amount', width: 72, align: 'right' },
];

const DESCRIPTION_WIDTH = 142;

async function drawActivity(sheet: Sheet, lines: AsyncIterable<StatementLine>): Promise<void> {
  sheet.heading('Activity');
  let shown = 0;
  for await (const line of lines) {
    if (shown === 0) sheet.tableHead(ACTIVITY_COLUMNS);
    if (shown === PDF_LINES_MAX) {
      sheet.y += 4;
      sheet.note(
        `The first ${PDF_LINES_MAX.toLocaleString('en-US')} activities are shown; the statement as ` +
          'CSV has all of them. The summary counts all.',
      );
      return;
    }
    if (shown % LINES_PER_TURN === 0) await nextTurn();
    drawLine(sheet, line);
    shown += 1;
  }
  if (shown === 0) sheet.note('No activity on this day.');
  else sheet.note('Amounts are what changed of the cash, fees included.');
}

function drawLine(sheet: Sheet, line: StatementLine): void {
  const isMoney = line.qty === null || line.side !== null;
  sheet.tableRow(ACTIVITY_COLUMNS, [
    shortTime(line.time),
    sheet.fitting(line.description, DESCRIPTION_WIDTH),
    line.symbol ?? '',
    line.qty === null ? '' : quantity(line.qty),
    line.price === null ? '' : dollars(line.price),
    line.fee === 0n ? '' : dollars(line.fee),
    isMoney ? dollars(line.amount) : '',
  ]);
}
