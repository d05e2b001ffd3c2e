/**
 * Whose fault it is that a mail was not taken, as far as SMTP tells; permanent strings, for metrics.
 * - `recipient`: there is no such mailbox, or it takes no mail: trying again changes nothing;
 * - `sender`: the server wants none of our mail: our address, our login, our rights there;
 * - `content`: it refuses this mail for what it says, or how;
 * - `busy`: it says to try again later (4xx), or what it says may change (a full mailbox, no way there);
 * - `connection`, `timeout`: nobody answered, or not in time;
 * - `other`: not a matter of mail servers, such as a full disk.
 */
export const REFUSALS = [
  'recipient',
  'sender',
  'content',
  'busy',
  'connection',
  'timeout',
  'other',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** A mail that was not taken. */
export class MailRefused extends Error {
  /** @param message what the server said, or why it could not be asked */
  constructor(
    readonly refusal: Refusal,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'MailRefused';
  }

  /** Only what is the recipient's fault is given up at once; everything else may be put right. */
  get isPermanent(): boolean {
    return this.refusal === 'recipient';
  }
}

/** What nodemailer knows of a failure. */
interface SmtpError {
  readonly message: string;
  readonly code?: string;
  /** Such as `RCPT TO`. */
  readonly command?: string;
  readonly response?: string;
  readonly responseCode?: number;
}

/** RFC 3463, after the reply code: class, subject, detail. */
const ENHANCED = /^\d{3}[ -]5\.(\d{1,3})\.(\d{1,3})\b/;
/** 5.1.x about the recipient's address: bad mailbox, bad system, syntax, moved, no mail (null MX). */
const RECIPIENTS_ADDRESS: ReadonlySet<string> = new Set(['0', '1', '2', '3', '6', '10']);
/** 5.2.x about their mailbox: disabled. Full (5.2.2) and too long for it (5.2.3) may change. */
const RECIPIENTS_MAILBOX: ReadonlySet<string> = new Set(['0', '1']);

/** Replies to RCPT TO that are about its recipient when no enhanced code says more (RFC 5321, 7504). */
const NO_SUCH_MAILBOX: ReadonlySet<number> = new Set([550, 551, 553, 556]);
/** The server wants a login, or not this one (RFC 4954). */
const LOGIN: ReadonlySet<number> = new Set([530, 534, 535, 538]);
const MAILBOX_FULL = 552;
/** What a server says with 550 to who may not send through it. */
const ABOUT_US = /relay|authenticat|not permitted|blocked|blacklist|blocklist|spam|denied/i;
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNECTION',
  'ESOCKET',
  'EDNS',
  'ETLS',
  'EPROXY',
]);

/**
 * Reads nodemailer's error.
 * @param error what `sendMail` or `verify` failed with
 */
export function refusalOf(error: unknown): MailRefused {
  if (error instanceof MailRefused) return error;
  const { message } = error instanceof Error ? error : new Error(String(error));
  return new MailRefused(kindOf(error as Partial<SmtpError>), message, { cause: error });
}

function kindOf(error: Partial<SmtpError>): Refusal {
  const { code = '', responseCode = 0, command, message = '' } = error;
  if (code === 'EAUTH' || code === 'ENOAUTH' || LOGIN.has(responseCode)) return 'sender';
  if (responseCode >= 500) return kindOfPermanent(error);
  if (responseCode >= 400) return 'busy';
  if (code === 'ETIMEDOUT') return 'timeout';
  if (UNREACHABLE.has(code)) return 'connection';
  if (code !== 'EENVELOPE' || command !== 'API') return 'other';
  // No server was asked: one of the two addresses can be none.
  return /recipient/i.test(message) ? 'recipient' : 'sender';
}

/** 5xx: at RCPT TO it is mostly, at DATA sometimes the recipient whom it is about. */
function kindOfPermanent({
  command = '',
  response = '',
  responseCode = 0,
}: Partial<SmtpError>): Refusal {
  if (command !== 'RCPT TO' && command !== 'DATA') return 'sender';
  const [, subject, detail = ''] = ENHANCED.exec(response) ?? [];
  if (subject !== undefined) return ofEnhancedCode(subject, detail, response);
  if (command === 'DATA') return 'content';
  if (responseCode === MAILBOX_FULL) return 'busy';
  if (!NO_SUCH_MAILBOX.has(responseCode)) return 'sender';
  return ABOUT_US.test(response) ? 'sender' : 'recipient';
}

function ofEnhancedCode(subject: string, detail: string, response: string): Refusal {
  switch (subject) {
    case '1':
      return RECIPIENTS_ADDRESS.has(detail) ? 'recipient' : 'sender';
    case '2':
      return RECIPIENTS_MAILBOX.has(detail) ? 'recipient' : 'busy';
    case '3': // their system
    case '4': // the way there; but Exchange Online says 5.4.1 of a mailbox that it does not have
      return subject === '4' && detail === '1' && /recipient/i.test(response)
        ? 'recipient'
        : 'busy';
    case '6':
      return 'content';
    default: // 5.5.x, 5.7.x: what we do, or may not do there
      return 'sender';
  }
}
