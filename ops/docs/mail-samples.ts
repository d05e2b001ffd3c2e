import type { MailKind } from '../../src/notifications/account-mails.js';
import type { NotificationEvent, OrderData, Told } from '../../src/notifications/events.js';

/** One of everything that is mailed, for the tests and for docs/mails.md. */

const ORDER: OrderData = {
  order_id: '01a20620-4595-7000-8000-01cbc1683136',
  client_order_id: 'my-first-order',
  symbol: 'AAPL',
  side: 'buy',
  type: 'limit',
  qty: '10',
  notional: null,
  limit_price: '151',
  stop_price: null,
  status: 'new',
  reason: null,
  executions: 0,
  executed_qty: '0',
  average_price: null,
  value: '0',
  fees: '0',
  filled_qty: '0',
};

const TRANSFER = {
  transfer_id: '01a20620-7777-7000-8000-01cbc1683136',
  direction: 'deposit',
  amount: '250.5',
  bank_account: 'My bank (...1234)',
  reason: null,
  owed: null,
} as const;

const SECURITY = {
  at: '2026-11-27T09:12:04.291Z',
  ip: '203.0.113.7',
  device: 'Firefox on Linux',
  detail: null,
} as const;

const ACCOUNT = { at: '2026-11-27T09:12:04.291Z', reason: null } as const;

type DataOf<Event extends NotificationEvent> = Extract<Told, { readonly event: Event }>['data'];

export const MESSAGE_SAMPLES: { readonly [Event in NotificationEvent]: DataOf<Event> } = {
  'order.accepted': ORDER,
  'order.partially_filled': {
    ...ORDER,
    side: 'sell',
    status: 'partially_filled',
    executions: 2,
    executed_qty: '3',
    average_price: '150.333333',
    value: '451',
    fees: '0.451',
    filled_qty: '3.5',
  },
  'order.filled': {
    ...ORDER,
    status: 'filled',
    executions: 3,
    executed_qty: '10',
    average_price: '150.254',
    value: '1502.54',
    fees: '1.5025',
    filled_qty: '10',
  },
  'order.rejected': { ...ORDER, status: 'rejected', reason: 'internal_error' },
  'order.canceled': {
    ...ORDER,
    type: 'market',
    qty: null,
    notional: '100',
    limit_price: null,
    status: 'canceled',
    reason: 'no_liquidity',
    executions: 1,
    executed_qty: '0.5',
    average_price: '150',
    value: '75',
    fees: '0.075',
    filled_qty: '0.5',
  },
  'order.expired': {
    ...ORDER,
    side: 'sell',
    type: 'stop_limit',
    stop_price: '149.5',
    status: 'expired',
  },
  'transfer.settled': TRANSFER,
  'transfer.failed': { ...TRANSFER, direction: 'withdrawal', reason: 'account_closed' },
  'transfer.returned': { ...TRANSFER, reason: 'charged_back', owed: '120.25' },
  'security.new_device': SECURITY,
  'security.api_key_created': { ...SECURITY, detail: 'trading robot' },
  'security.second_factor_changed': { ...SECURITY, detail: 'An authenticator app was set up.' },
  'security.password_changed': SECURITY,
  'security.email_changed': SECURITY,
  'account.activated': ACCOUNT,
  'account.rejected': { ...ACCOUNT, reason: 'The document cannot be read' },
  'account.suspended': { ...ACCOUNT, reason: 'A question about your deposits' },
  'statement.ready': { statement_id: '01a20620-9999-7000-8000-01cbc1683136', day: '2026-11-26' },
};

/** All as what `messageMail` takes. */
export const toldSamples = (): Told[] =>
  Object.entries(MESSAGE_SAMPLES).map(([event, data]) => ({ event, data }) as Told);

interface AccountMailSample {
  readonly data?: Readonly<Record<string, string>>;
  readonly secret?: string;
}

const LINK = 'https://brokerx.example/confirm';
const CODE = '123456 SAMPLE-TOKEN-OF-43-CHARACTERS-aaaaaaaaaaaaa';
const coded = (purpose: string, data = {}): AccountMailSample => ({
  data: { ...data, link: `${LINK}/${purpose}` },
  secret: CODE,
});
const NAME = { first_name: 'Ada' };
const AT = { ...NAME, at: '2026-11-27T09:12:04.291Z' };
const MOVED = { ...NAME, what: 'deposit', amount: '250.5', bank_account: 'My bank (...1234)' };

export const ACCOUNT_MAIL_SAMPLES: Readonly<Record<MailKind, AccountMailSample>> = {
  verify_email: coded('verify_email'),
  sign_up_exists: coded('reset_password'),
  sign_up_phone_taken: {},
  sign_up_reminder: coded('verify_email', { expires_on: '2026-12-04' }),
  sign_up_expired: {},
  kyc_approved: { data: { ...NAME, account_number: '100000042' } },
  kyc_rejected: { data: { ...NAME, reason: 'The document cannot be read' } },
  reset_password: coded('reset_password'),
  password_changed: { data: AT },
  change_email: coded('change_email'),
  email_change_asked: { data: AT },
  email_changed: { data: AT },
  email_in_use: {},
  transfer_settled: { data: { ...MOVED, reason: '', owed: '' } },
  transfer_failed: {
    data: { ...MOVED, what: 'withdrawal', reason: 'insufficient funds', owed: '' },
  },
  transfer_returned: { data: { ...MOVED, reason: 'charged back', owed: '120.25' } },
  second_factor_code: { data: NAME, secret: '123456' },
  second_factor_changed: { data: { ...NAME, change: 'A passkey was added: my phone.' } },
  api_key_created: { data: { ...NAME, label: 'trading robot', scopes: 'read, trade' } },
  new_device: { data: { ...AT, ip: '203.0.113.7', device: 'an unknown program' } },
  webhook_created: { data: { ...NAME, url: 'https://hooks.example/brokerx' } },
  webhook_disabled: {
    data: { ...NAME, url: 'https://hooks.example/brokerx', why: 'failing', since_id: '1207' },
  },
  staff_invitation: { data: { ...NAME, role: 'ops' }, secret: 'SAMPLE-TOKEN' },
};

/** Orders of which one mail tells. */
export const DIGEST_SAMPLE: readonly Told[] = [
  { event: 'order.filled', data: MESSAGE_SAMPLES['order.filled'] },
  { event: 'order.partially_filled', data: MESSAGE_SAMPLES['order.partially_filled'] },
  { event: 'order.expired', data: MESSAGE_SAMPLES['order.expired'] },
];
