import { htmlPage } from '../http/html-page.js';
import { escapeHtml } from '../notifications/html.js';

/** What the links in mails are for; the last part of their path. */
export const PAGE_PURPOSES = ['verify_email', 'reset_password', 'change_email'] as const;
export type PagePurpose = (typeof PAGE_PURPOSES)[number];

interface PageText {
  readonly title: string;
  readonly asks: string;
  readonly button: string;
  readonly done: string;
}

const TEXTS: Readonly<Record<PagePurpose, PageText>> = {
  verify_email: {
    title: 'Confirm your e-mail address',
    asks: 'Is this the address that you signed up with?',
    button: 'Confirm',
    done: 'Your e-mail address is confirmed. You can log in now.',
  },
  reset_password: {
    title: 'Choose a new password',
    asks: 'It needs 8 to 128 characters, and must be neither a common one nor your name.',
    button: 'Set the password',
    done: 'Your new password is set, and all your sessions have ended. You can log in now.',
  },
  change_email: {
    title: 'Confirm your new e-mail address',
    asks: 'Is this the address that your account should have?',
    button: 'Confirm',
    done: 'Your e-mail address is changed.',
  },
};

/**
 * A page with a button. Mail scanners and browsers open links ahead of their reader, so opening one
 * must change nothing.
 */
export function confirmPage(purpose: PagePurpose, token: string): string {
  const { title, asks, button } = TEXTS[purpose];
  const password =
    purpose === 'reset_password'
      ? '<p><label>New password <input type="password" name="password" minlength="8" ' +
        'autocomplete="new-password" required></label></p>'
      : '';
  return htmlPage(title, [
    `<p>${escapeHtml(asks)}</p>`,
    `<form method="post" action="${purpose}">`,
    `<input type="hidden" name="token" value="${escapeHtml(token)}">`,
    password,
    `<button>${escapeHtml(button)}</button>`,
    '</form>',
  ]);
}

export const donePage = (purpose: PagePurpose): string =>
  htmlPage(TEXTS[purpose].title, [`<p>${escapeHtml(TEXTS[purpose].done)}</p>`]);

export const refusedPage = (purpose: PagePurpose, why: string): string =>
  htmlPage(TEXTS[purpose].title, [`<p>That did not work. ${escapeHtml(why)}</p>`]);
