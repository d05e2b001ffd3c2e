import type { Knex } from 'knex';

export type DisabledReason = 'owner' | 'gone' | 'failing';

/** Where an account's events are posted to. */
export interface Endpoint {
  readonly id: string;
  readonly accountId: string;
  readonly url: string;
  readonly description: string;
  /** Filters, see `domain/webhook-filter.ts`. */
  readonly events: readonly string[];
  readonly enabled: boolean;
  readonly disabledReason: DisabledReason | null;
  readonly disabledAt: Date | null;
  /** Sealed. */
  readonly secret: Buffer;
  readonly previousSecret: Buffer | null;
  readonly previousSecretUntil: Date | null;
  /** The last event_id that is dealt with. */
  readonly cursor: bigint;
  readonly dueAt: Date;
  /** Failed ones of the event after the cursor. */
  readonly attempts: number;
  readonly headFailingSince: Date | null;
  readonly failingSince: Date | null;
  readonly lastSuccessAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type DeliveryStatus = 'queued' | 'retrying' | 'delivered' | 'dead';
export const DELIVERY_STATUSES = ['queued', 'retrying', 'delivered', 'dead'] as const;

/** What became of one message. */
export interface Delivery {
  readonly id: string;
  readonly endpointId: string;
  /** Null for a test. */
  readonly eventId: bigint | null;
  readonly type: string;
  readonly messageId: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly attemptedAt: Date | null;
  readonly durationMs: number | null;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  readonly error: string | null;
  readonly createdAt: Date;
}

const ENDPOINT = {
  id: 'id',
  accountId: 'account_id',
  url: 'url',
  description: 'description',
  events: 'events',
  enabled: 'enabled',
  disabledReason: 'disabled_reason',
  disabledAt: 'disabled_at',
  secret: 'secret',
  previousSecret: 'previous_secret',
  previousSecretUntil: 'previous_secret_until',
  cursor: 'cursor',
  dueAt: 'due_at',
  attempts: 'attempts',
  headFailingSince: 'head_failing_since',
  failingSince: 'failing_since',
  lastSuccessAt: 'last_success_at',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} satisfies Record<keyof Endpoint, string>;

const DELIVERY = {
  id: 'id',
  endpointId: 'endpoint_id',
  eventId: 'event_id',
  type: 'type',
  messageId: 'message_id',
  status: 'status',
  attempts: 'attempts',
  attemptedAt: 'attempted_at',
  durationMs: 'duration_ms',
  responseStatus: 'response_status',
  responseBody: 'response_body',
  error: 'error',
  createdAt: 'created_at',
} satisfies Record<keyof Delivery, string>;

/** For `returning`, with the table's name before each column. */
export const endpointColumns = (table: string): string =>
  Object.entries(ENDPOINT)
    .map(([name, column]) => `${table}.${column} as "${name}"`)
    .join(', ');

/** An account's endpoints, the oldest first. */
export const listEndpoints = async (knex: Knex, accountId: string): Promise<Endpoint[]> =>
  await knex('webhook_endpoints')
    .where({ account_id: accountId })
    .orderBy('id')
    .select<Endpoint[]>(ENDPOINT);

export const findEndpoint = async (
  knex: Knex,
  accountId: string,
  id: string,
): Promise<Endpoint | undefined> =>
  await knex('webhook_endpoints')
    .where({ id, account_id: accountId })
    .first<Endpoint | undefined>(ENDPOINT);

/** The same, and nobody changes it before the transaction ends. */
export const lockEndpoint = async (
  trx: Knex.Transaction,
  accountId: string,
  id: string,
): Promise<Endpoint | undefined> =>
  await trx('webhook_endpoints')
    .where({ id, account_id: accountId })
    .forUpdate()
    .first<Endpoint | undefined>(ENDPOINT);

export type EndpointColumns = Partial<Record<(typeof ENDPOINT)[keyof Endpoint], unknown>>;

export async function insertEndpoint(trx: Knex.Transaction, row: EndpointColumns): Promise<void> {
  await trx('webhook_endpoints').insert(row);
}

export async function updateEndpoint(
  trx: Knex.Transaction,
  id: string,
  changes: EndpointColumns,
): Promise<void> {
  await trx('webhook_endpoints').where({ id }).update(changes);
}

export const deleteEndpoint = async (trx: Knex.Transaction, id: string): Promise<void> => {
  await trx('webhook_endpoints').where({ id }).delete();
};

export interface DeliveryFilter {
  readonly status?: DeliveryStatus | undefined;
  /** Only those that were begun before this one. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** An endpoint's deliveries, those begun last first. */
export async function listDeliveries(
  knex: Knex,
  endpointId: string,
  { status, before, limit }: DeliveryFilter,
): Promise<Delivery[]> {
  const query = knex('webhook_deliveries').where({ endpoint_id: endpointId });
  if (status) void query.where({ status });
  if (before) void query.where('id', '<', before);
  return await query.orderBy('id', 'desc').limit(limit).select<Delivery[]>(DELIVERY);
}

export const findDelivery = async (
  trx: Knex.Transaction,
  endpointId: string,
  eventId: bigint,
): Promise<Delivery | undefined> =>
  await trx('webhook_deliveries')
    .where({ endpoint_id: endpointId, event_id: String(eventId) })
    .forUpdate()
    .first<Delivery | undefined>(DELIVERY);

/** What waits to be sent out of line, the oldest first. */
export const queuedDeliveries = async (
  knex: Knex,
  endpointId: string,
  limit: number,
): Promise<Delivery[]> =>
  await knex('webhook_deliveries')
    .where({ endpoint_id: endpointId, status: 'queued' })
    .orderBy('id')
    .limit(limit)
    .select<Delivery[]>(DELIVERY);

export const countQueued = async (trx: Knex.Transaction, endpointId: string): Promise<number> => {
  const row = await trx('webhook_deliveries')
    .where({ endpoint_id: endpointId, status: 'queued' })
    .count<{ count: bigint }[]>('* as count')
    .first();
  return Number(row!.count);
};

/** Lets one request at a time add to an account's endpoints: they are counted, then added. */
export async function lockEndpoints(trx: Knex.Transaction, accountId: string): Promise<void> {
  await trx.raw(`select pg_advisory_xact_lock(hashtextextended('webhooks ' || ?, 0))`, [accountId]);
}

/** The last event of an account's log; 0 when there is none. */
export async function lastEventId(knex: Knex, accountId: string): Promise<bigint> {
  const row = await knex('accounts')
    .where({ id: accountId })
    .first<{ last: bigint }>('last_event_id as last');
  return row.last;
}
