import { htmlPage } from '../http/html-page.js';
import { escapeHtml } from './html.js';
import type { OutboxMail } from './outbox.js';

export const OUTBOX_PATH = '/dev/outbox';

/** All mails that are shown, the newest first. */
export const outboxPage = (mails: readonly OutboxMail[]): string =>
  htmlPage('Outbox', [
    '<p>Mails that this instance has written, the newest first. There is no mail server: they went ' +
      'nowhere else.</p>',
    ...(mails.length === 0 ? ['<p>No mail yet.</p>'] : table(mails)),
  ]);

const table = (mails: readonly OutboxMail[]): string[] => [
  '<table cellpadding="6">',
  '<tr><th scope="col" align="left">Time</th><th scope="col" align="left">To</th>',
  '<th scope="col" align="left">Subject</th></tr>',
  ...mails.map(
    ({ name, mail }) =>
      `<tr><td>${timeOf(name)}</td><td>${escapeHtml(mail?.to ?? '')}</td>` +
      `<td><a href="${OUTBOX_PATH}/${name}">${escapeHtml(mail?.subject ?? name)}</a></td></tr>`,
  ),
  '</table>',
];

/**
 * One mail: its text, its HTML and the file as it is. The HTML stands in a frame that may do nothing,
 * and inherits the page's policy: no script of a mail runs, and no picture is fetched for it.
 */
export function outboxMailPage({ name, mail, source }: OutboxMail & { source: string }): string {
  const back = `<p><a href="${OUTBOX_PATH}">All mails</a></p>`;
  const file = `<details><summary>The file ${name}.eml</summary>${pre(source)}</details>`;
  if (!mail) return htmlPage(name, [back, file.replace('<details>', '<details open>')]);
  return htmlPage(mail.subject, [
    back,
    `<p>To ${escapeHtml(mail.to)}, ${timeOf(name)}</p>`,
    '<h2>Text</h2>',
    `<pre>${linked(escapeHtml(mail.text))}</pre>`,
    '<h2>HTML</h2>',
    '<iframe sandbox="" title="The mail as HTML" width="100%" height="560"',
    ` srcdoc="${escapeHtml(mail.html)}"></iframe>`,
    file,
  ]);
}

const pre = (text: string): string => `<pre>${escapeHtml(text)}</pre>`;

/** So that a code's link can be followed: in the frame it cannot. */
const linked = (html: string): string =>
  html.replaceAll(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}" rel="noreferrer">${url}</a>`);

/** Names begin with the time at which the mail was written. */
const timeOf = (name: string): string =>
  `${name.slice(0, 10)} ${name.slice(11, 19).replaceAll('-', ':')} UTC`;
