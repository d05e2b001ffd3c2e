import type { Language } from './events.js';
import { escapeHtml } from './html.js';

/** A mail as it is handed to the mailer. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** What a mail says, before it is laid out. Both forms of it have every part. */
export interface Letter {
  readonly to: string;
  readonly language: Language;
  readonly subject: string;
  readonly parts: readonly Part[];
}

export type Part =
  /** A paragraph; one that is nothing but a link can be followed. */
  | string
  /** Short lines, one below the other. */
  | { readonly lines: readonly string[] }
  /** Names and values. */
  | { readonly facts: readonly LetterFact[] }
  | LetterTable;

export interface LetterFact {
  readonly name: string;
  readonly value: string;
  /** Aligned to the right, so that digits stand below each other. */
  readonly isNumber: boolean;
}

/** Too wide for text: `lines` says the same there. */
export interface LetterTable {
  readonly columns: readonly { readonly name: string; readonly isNumber: boolean }[];
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly string[];
}

/** Longer lines than 76 characters would be encoded, and hard to read in the outbox. */
const WIDTH = 72;
const SIGNATURE = 'BrokerX+';

/** Lays a letter out as text and as HTML, which has no pictures, no styles and no scripts. */
export function layOut({ to, language, subject, parts }: Letter): Mail {
  const title = oneLine(subject);
  const all = [...parts, SIGNATURE];
  return {
    to,
    subject: title,
    text: `${all.map((part) => textOf(part).join('\n')).join('\n\n')}\n`,
    html: [
      '<!doctype html>',
      `<html lang="${language}">`,
      '<head><meta charset="utf-8">',
      '<meta name="viewport" content="width=device-width">',
      `<title>${escapeHtml(title)}</title></head>`,
      '<body>',
      ...all.flatMap(htmlOf),
      '</body></html>',
      '',
    ].join('\n'),
  };
}

/** What clients write of themselves, such as a nickname, may have line breaks. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const isLink = (text: string): boolean => /^https?:\/\/\S+$/.test(text);

function textOf(part: Part): string[] {
  if (typeof part === 'string') return wrap(part, WIDTH);
  if ('columns' in part || 'lines' in part) return [...part.lines];
  const width = Math.max(...part.facts.map(({ name }) => name.length)) + 2;
  return part.facts.map(({ name, value }) => `${`${name}:`.padEnd(width)}${oneLine(value)}`);
}

function htmlOf(part: Part): string[] {
  if (typeof part === 'string') return paragraph(part);
  if ('columns' in part) return table(part);
  if ('lines' in part) return part.lines.flatMap(paragraph);
  return [
    '<table cellpadding="6">',
    ...part.facts.flatMap(({ name, value, isNumber }) => [
      `<tr><th scope="row" align="left">${escapeHtml(name)}</th>`,
      `${cell(oneLine(value), isNumber)}</tr>`,
    ]),
    '</table>',
  ];
}

function paragraph(text: string): string[] {
  const html = escapeHtml(text);
  if (isLink(text)) return [`<p><a href="${html}">${html}</a></p>`];
  return wrap(`<p>${html}</p>`, WIDTH);
}

const table = ({ columns, rows }: LetterTable): string[] => [
  '<table cellpadding="6">',
  '<tr>',
  ...columns.map(
    ({ name, isNumber }) =>
      `<th scope="col" align="${isNumber ? 'right' : 'left'}">${escapeHtml(name)}</th>`,
  ),
  '</tr>',
  ...rows.flatMap((cells) => [
    '<tr>',
    ...cells.map((text, n) => cell(text, columns[n]!.isNumber)),
    '</tr>',
  ]),
  '</table>',
];

const cell = (text: string, isNumber: boolean): string =>
  `<td${isNumber ? ' align="right"' : ''}>${escapeHtml(text)}</td>`;

/** Breaks between words only: a token or a link stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
