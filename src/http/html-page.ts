import { escapeHtml } from '../notifications/html.js';

/**
 * A page for people: no script, no style, nothing from elsewhere. It says what it has to.
 * @param title as text
 * @param body  as HTML, a line each; empty ones are left out
 */
export const htmlPage = (title: string, body: readonly string[]): string =>
  [
    '<!doctype html>',
    '<html lang="en">',
    '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<meta name="robots" content="noindex"><title>${escapeHtml(title)} - BrokerX+</title></head>`,
    `<body><h1>${escapeHtml(title)}</h1>`,
    ...body.filter((line) => line !== ''),
    '</body></html>',
    '',
  ].join('\n');
