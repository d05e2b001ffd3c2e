import { randomBytes, randomUUID } from 'node:crypto';
import { createApiKey } from '../../src/identity/new-api-key.js';
import { newId } from '../../src/ids.js';
import { writeMessages } from '../../src/notifications/messages.js';
import type { Api } from './api.js';
import type { Caller } from './callers.js';
import type { Trading } from './trading.js';

/** What stands for the parameters of a path, and for the queries that must be there. */
export interface Resource {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** Somebody's own: the same parameters for what does not exist must answer all others the same. */
export interface Owned extends Resource {
  readonly missing: Resource;
}

/** Whose things are asked for, and with what they are made. */
export interface Floor {
  readonly trading: Trading;
  readonly api: Api;
  readonly owner: { readonly id: string; readonly accountId: string };
  /** The owner, and an admin, by session with a second factor. */
  readonly asOwner: Caller;
  readonly asAdmin: Caller;
}

export interface ResourceKind {
  /**
   * `own`: a client's, made afresh for each call of the owner that gets through. `shared`: there for
   * all who may ask. `none`: nobody has such a thing.
   */
  readonly whose: 'own' | 'shared' | 'none';
  readonly make: (floor: Floor) => Promise<Owned | Resource> | Owned | Resource;
}

const own = (make: (floor: Floor) => Promise<Owned>): ResourceKind => ({ whose: 'own', make });
const shared = (params: Record<string, string>): ResourceKind => ({
  whose: 'shared',
  make: () => ({ params }),
});
const sharedBy = (query: Record<string, string>): ResourceKind => ({
  whose: 'shared',
  make: () => ({ query }),
});
const none = (params: Record<string, string>): ResourceKind => ({
  whose: 'none',
  make: () => ({ params }),
});

const pair = { base: 'BTC', quote: 'USD' };

const openOrder = ({ trading }: Floor) =>
  trading.place({ account: 0, side: 'buy', qty: '1', price: '10' });

const order = own(async (floor) => ({
  params: { id: (await openOrder(floor)).id },
  missing: { params: { id: randomUUID() } },
}));

/** Made over HTTP, as its owner would. */
async function create(
  { api, asOwner }: Floor,
  path: string,
  body: object,
): Promise<{ id: string; name: string }> {
  const answer = await api.call('POST', path, { headers: await asOwner.headers(), body });
  if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body as { id: string; name: string };
}

const newWatchlist = (floor: Floor) =>
  create(floor, '/v2/watchlists', { name: randomUUID(), symbols: ['AAPL', 'BTC/USD'] });

const watchlist = (more: Record<string, string> = {}): ResourceKind =>
  own(async (floor) => ({
    params: { id: (await newWatchlist(floor)).id, ...more },
    missing: { params: { id: randomUUID(), ...more } },
  }));

const watchlistByName = (params: Record<string, string> = {}): ResourceKind =>
  own(async (floor) => ({
    params,
    query: { name: (await newWatchlist(floor)).name },
    missing: { params, query: { name: randomUUID() } },
  }));

const missingId = { params: { id: randomUUID() } };

/** A row of the owner's, as the application would have written it. */
const ownRow = (table: string, members: () => object): ResourceKind =>
  own(async ({ trading, owner }) => {
    const id = newId();
    const row = { id, client_id: owner.id, ...members() };
    await trading.container.db.knex(table).insert(row);
    return { params: { id }, missing: missingId };
  });

const seenFrom = { ip: '127.0.0.1', user_agent: 'test' };
const session = ownRow('sessions', () => ({
  ...seenFrom,
  methods: ['pwd'],
  expires_at: new Date(Date.now() + 3_600_000),
}));
const device = ownRow('devices', () => ({ ...seenFrom, token_hash: randomBytes(32) }));
const factor = ownRow('second_factors', () => ({
  kind: 'webauthn', // of which one may have several
  label: 'test',
  credential_id: randomUUID(),
  public_key: randomBytes(32),
  sign_count: 0,
  transports: ['usb'],
  created_at: new Date(),
  confirmed_at: new Date(),
}));

const apiKey = own(async ({ trading, owner }) => {
  const { knex } = trading.container.db;
  const terms = { clientId: owner.id, accountId: owner.accountId, scopes: ['read'] as const };
  const { key_id } = await createApiKey(knex, { ...terms, label: 'test' });
  return { params: { key_id }, missing: { params: { key_id: 'PK000000000000000000' } } };
});

/** An act of an admin about the owner's account, and the entry of it in the audit log. */
const auditEntry: ResourceKind = {
  whose: 'shared',
  make: async ({ api, owner, asAdmin }) => {
    const headers = await asAdmin.headers();
    const path = `/v2/admin/accounts/${owner.accountId}/restriction`;
    await api.call('PUT', path, { headers, body: { reason: 'test' } });
    await api.call('DELETE', `${path}?reason=test`, { headers });
    const { body } = await api.call('GET', '/v2/admin/audit?limit=1', { headers });
    return { params: { id: (body as { entries: [{ id: string }] }).entries[0].id } };
  },
};

const bankAccountRow = () => ({
  kind: 'us',
  country: 'US',
  holder_name: 'Test Person',
  number_sealed: randomBytes(32),
  last4: '0000',
  fingerprint: randomBytes(32),
});
const bankAccount = ownRow('bank_accounts', bankAccountRow);

/** A deposit that waits to be sent. */
async function newTransfer({ trading, owner }: Floor): Promise<Record<string, string>> {
  const { knex } = trading.container.db;
  const [id, bankAccountId, now] = [newId(), newId(), new Date()];
  const ownAccount = { id: bankAccountId, client_id: owner.id, ...bankAccountRow() };
  await knex('bank_accounts').insert(ownAccount);
  await knex('transfers').insert({
    id,
    account_id: owner.accountId,
    bank_account_id: bankAccountId,
    direction: 'incoming',
    type: 'ach',
    amount: 10_000,
    created_at: now,
    updated_at: now,
    expires_at: now,
    reconcile_at: now,
  });
  return { id };
}
const transfer = own(async (floor) => ({ params: await newTransfer(floor), missing: missingId }));
const anyTransfer: ResourceKind = {
  whose: 'shared',
  make: async (floor) => ({ params: await newTransfer(floor) }),
};

/** A webhook whose first event is dead. */
async function newWebhook({ trading, owner }: Floor): Promise<string> {
  const { knex } = trading.container.db;
  const [id, now] = [newId(), new Date()];
  await knex('webhook_endpoints').insert({
    id,
    account_id: owner.accountId,
    url: 'https://hooks.example/',
    events: ['*'],
    secret: randomBytes(60),
    cursor: 0,
    due_at: now,
    created_at: now,
    updated_at: now,
  });
  await knex('webhook_deliveries').insert({
    id: newId(),
    endpoint_id: id,
    event_id: 1,
    type: 'new',
    message_id: 'test',
    status: 'dead',
    created_at: now,
    updated_at: now,
  });
  return id;
}
const webhook = (more: Record<string, string> = {}): ResourceKind =>
  own(async (floor) => ({
    params: { id: await newWebhook(floor), ...more },
    missing: { params: { id: randomUUID(), ...more } },
  }));
/** Something that the owner was told. */
const notification = own(async ({ trading, owner }) => {
  const data = { at: new Date().toISOString(), ip: null, device: null, detail: null };
  const told = { event: 'security.new_device', data } as const;
  const drafts = [{ clientId: owner.id, accountId: null, told, happenedAt: new Date() }];
  const { knex } = trading.container.db;
  const [id] = await knex.transaction((trx) => writeMessages(trx, drafts, new Date()));
  return { params: { id: id! }, missing: missingId };
});

/** A mail to the owner that was given up. */
const deadLetter: ResourceKind = {
  whose: 'shared',
  make: async ({ trading, owner }) => {
    const id = newId();
    await trading.container.db.knex('mails').insert({
      id,
      client_id: owner.id,
      recipient: 'a@example.com',
      kind: 'email_in_use',
      data: {},
      due_at: 'infinity',
      dead_at: new Date(),
    });
    return { params: { id } };
  },
};

const limits: ResourceKind = {
  whose: 'shared',
  make: async ({ api, asAdmin }) => {
    const headers = await asAdmin.headers();
    const body = { symbol: 'KO', collar_bps: 1_000, reason: 'test' };
    const answer = await api.call('PUT', '/v2/admin/limits', { headers, body });
    return { params: { id: (answer.body as { id: string }).id } };
  },
};

/** What an admin has asked for, and somebody else has to decide about. */
const approval: ResourceKind = {
  whose: 'shared',
  make: async ({ api, owner, asAdmin }) => {
    const headers = await asAdmin.headers();
    const body = { account_id: owner.accountId, asset: 'USD', amount: '1', reason: 'test' };
    const answer = await api.call('POST', '/v2/admin/adjustments', { headers, body });
    return { params: { id: (answer.body as { id: string }).id } };
  },
};

const client = (name: string): ResourceKind => ({
  whose: 'shared',
  make: ({ owner }) => ({ params: { [name]: owner.id } }),
});

/** Opened once: after that the answer names the one that is open. */
const surveillanceCase: ResourceKind = {
  whose: 'shared',
  make: async ({ api, owner, asAdmin }) => {
    const headers = await asAdmin.headers();
    const body = { account_ids: [owner.accountId], summary: 'test' };
    const answer = await api.call('POST', '/v2/admin/cases', { headers, body });
    const { id, case_id } = answer.body as { id?: string; case_id?: string };
    return { params: { id: (id ?? case_id)! } };
  },
};

const account: ResourceKind = {
  whose: 'shared',
  make: ({ owner }) => ({ params: { account_id: owner.accountId } }),
};

/**
 * By path of the OpenAPI document, whatever has a parameter in its path or one that must be in its
 * query. What is not here fails the test: whoever adds a route says whose the thing is that it names.
 */
export const RESOURCES: Readonly<Record<string, ResourceKind>> = {
  '/v2/orders/{id}': order,
  '/v2/orders/{id}/timeline': order,
  '/v2/orders:by_client_order_id': own(async (floor) => ({
    query: { client_order_id: (await openOrder(floor)).clientOrderId },
    missing: { query: { client_order_id: randomUUID() } },
  })),
  '/v2/watchlists/{id}': watchlist(),
  '/v2/watchlists/{id}/{symbol}': watchlist({ symbol: 'AAPL' }),
  '/v2/watchlists/{id}/{base}/{quote}': watchlist(pair),
  '/v2/watchlists:by_name': watchlistByName(),
  '/v2/watchlists:by_name/{symbol}': watchlistByName({ symbol: 'AAPL' }),
  '/v2/watchlists:by_name/{base}/{quote}': watchlistByName(pair),
  '/v2/positions/{symbol_or_asset_id}': shared({ symbol_or_asset_id: 'AAPL' }), // the caller's
  '/v2/positions/{base}/{quote}': shared(pair),
  '/v2/positions/{symbol_or_contract_id}/exercise': none({ symbol_or_contract_id: 'AAPL' }),
  '/v2/statements/{date}': none({ date: '2020-01-02' }), // of the caller's account, by a day
  '/v2/account/activities/{activity_type}': shared({ activity_type: 'FILL' }),
  '/v2/assets/{symbol_or_id}': shared({ symbol_or_id: 'AAPL' }),
  '/v2/assets/{base}/{quote}': shared(pair),
  '/v2/corporate_actions/announcements': {
    whose: 'shared',
    make: () => ({ query: { ca_types: 'split', since: '2026-11-01', until: '2026-11-02' } }),
  },
  '/v2/corporate_actions/announcements/{id}': none({ id: 'x' }),
  '/v2/options/contracts/{symbol_or_id}': none({ symbol_or_id: 'x' }),
  '/v2/stocks/{symbol}/bars': shared({ symbol: 'AAPL' }),
  '/v2/stocks/{symbol}/bars/latest': none({ symbol: 'AAPL' }), // nobody has traded
  '/v2/stocks/{symbol}/trades': shared({ symbol: 'AAPL' }),
  '/v2/stocks/{symbol}/trades/latest': none({ symbol: 'AAPL' }),
  '/v3/calendar/{market}': shared({ market: 'NYSE' }),
  '/v2/stocks/snapshots': sharedBy({ symbols: 'AAPL' }),
  '/v2/stocks/{symbol}/snapshot': shared({ symbol: 'AAPL' }),
  '/v1beta3/crypto/us/snapshots': sharedBy({ symbols: 'BTC/USD' }),
  '/v2/markets/stream': sharedBy({ symbols: 'AAPL', seconds: '1' }),
  '/v2/markets/{symbol}/book': shared({ symbol: 'AAPL' }),
  '/v2/markets/{base}/{quote}/book': shared(pair),
  '/v2/markets/{symbol}/bands': shared({ symbol: 'AAPL' }),
  '/v2/markets/{base}/{quote}/bands': shared(pair),
  '/v1beta3/crypto/us/latest/orderbooks': sharedBy({ symbols: 'BTC/USD' }),
  '/v1beta3/crypto/us/latest/quotes': sharedBy({ symbols: 'BTC/USD' }),
  '/v2/stocks/quotes/latest': sharedBy({ symbols: 'AAPL' }),
  '/v2/stocks/{symbol}/quotes/latest': shared({ symbol: 'AAPL' }),
  '/v2/notifications/{id}/read': notification,
  '/v2/admin/notifications/dead/{id}/redrive': deadLetter,
  '/v2/admin/limits/{id}': limits,
  '/v2/admin/halts/{symbol}': shared({ symbol: 'KO' }),
  '/v2/admin/halts/{base}/{quote}': shared(pair),
  '/v2/admin/price_bands/{symbol}': shared({ symbol: 'KO' }),
  '/v2/admin/price_bands/{base}/{quote}': shared(pair),
  '/v2/admin/assets/{symbol}/routing': shared({ symbol: 'KO' }),
  '/v2/admin/venue/routes/{id}/close': none({ id: randomUUID() }),
  '/v2/admin/venue/routes/{id}/resolve': none({ id: randomUUID() }),
  '/v2/admin/accounts/{account_id}/kill_switch': account,
  '/v2/admin/accounts/{account_id}/restriction': account,
  '/v2/admin/audit/{id}': auditEntry,
  '/v2/admin/cases/{id}': surveillanceCase,
  '/v2/admin/cases/{id}/history': surveillanceCase,
  '/v2/admin/cases/{id}/notes': surveillanceCase,
  '/v2/sessions/{id}': session,
  '/v2/devices/{id}': device,
  '/v2/mfa/factors/{id}': factor,
  '/v2/api_keys/{key_id}': apiKey,
  '/v2/admin/approvals/{id}': approval,
  '/v2/admin/approvals/{id}/approve': approval,
  '/v2/admin/approvals/{id}/reject': approval,
  '/v2/admin/approvals/{id}/withdraw': approval,
  '/v2/admin/clients/{id}': client('id'),
  '/v2/admin/clients/{id}/suspend': client('id'),
  '/v2/admin/clients/{id}/reactivate': client('id'),
  '/v2/admin/clients/{id}/close': client('id'),
  '/v2/admin/staff/{id}': client('id'),
  '/v2/admin/kyc_reviews/{client_id}': client('client_id'),
  '/v2/admin/kyc_reviews/{client_id}/decision': client('client_id'),
  '/confirm/{purpose}': {
    whose: 'shared',
    make: () => ({ params: { purpose: 'verify_email' }, query: { token: 'x' } }),
  },
  '/v2/bank_accounts/{id}': bankAccount,
  '/v2/transfers/{id}': transfer,
  '/v2/webhooks/{id}': webhook(),
  '/v2/webhooks/{id}/rotate': webhook(),
  '/v2/webhooks/{id}/test': webhook(),
  '/v2/webhooks/{id}/deliveries': webhook(),
  '/v2/webhooks/{id}/deliveries/{event_id}/redrive': webhook({ event_id: '1' }),
  '/v2/webhooks/{id}/replay': webhook(),
  '/v2/admin/transfers/{id}': anyTransfer,
  '/v2/admin/transfers/{id}/reverse': anyTransfer,
  '/v2/admin/transfers/{id}/resolve': anyTransfer,
  '/docs/{file}': shared({ file: 'swagger-ui.css' }),
};

/**
 * What is sent along, where nothing would be refused before it is known whose the thing is, or would
 * change too much for those who come after. Only what is refused (422) stands for a pass otherwise.
 */
export const CONTENT: Readonly<
  Record<string, { body?: object; query?: Readonly<Record<string, string>> }>
> = {
  'GET /v2/calendar': { query: { start: '2026-11-02', end: '2026-11-03' } },
  'GET /v2/stocks/bars': { query: { symbols: 'AAPL', timeframe: '1Day' } },
  'GET /v2/stocks/bars/latest': { query: { symbols: 'AAPL' } },
  'GET /v2/stocks/{symbol}/bars': { query: { timeframe: '1Day' } },
  'GET /v2/stocks/trades': { query: { symbols: 'AAPL' } },
  'GET /v2/stocks/trades/latest': { query: { symbols: 'AAPL' } },
  'GET /v1beta3/crypto/us/bars': { query: { symbols: 'BTC/USD', timeframe: '1Day' } },
  'GET /v1beta3/crypto/us/latest/bars': { query: { symbols: 'BTC/USD' } },
  'GET /v1beta3/crypto/us/trades': { query: { symbols: 'BTC/USD' } },
  'GET /v1beta3/crypto/us/latest/trades': { query: { symbols: 'BTC/USD' } },
  'DELETE /v2/admin/kill_switch': { query: { reason: '' } },
  'PATCH /v2/api_keys/{key_id}': { body: { label: 'renamed' } },
  'PATCH /v2/orders/{id}': { body: { qty: '2' } },
  'PATCH /v2/webhooks/{id}': { body: { description: 'renamed' } },
  'POST /v2/webhooks/{id}/replay': { body: { from_event_id: 1 } },
  'PUT /v2/watchlists/{id}': { body: { symbols: ['MSFT'] } },
  'POST /v2/watchlists/{id}': { body: { symbol: 'MSFT' } },
  'PUT /v2/watchlists:by_name': { body: { symbols: ['MSFT'] } },
  'POST /v2/watchlists:by_name': { body: { symbol: 'MSFT' } },
  'DELETE /v2/positions': { query: { cancel_orders: 'perhaps' } },
  'DELETE /v2/positions/{symbol_or_asset_id}': { query: { qty: '0' } },
  'DELETE /v2/positions/{base}/{quote}': { query: { qty: '0' } },
  'GET /v2/events/trades': { query: { since: '2026-11-01', until: '2026-11-02' } }, // it ends
};
