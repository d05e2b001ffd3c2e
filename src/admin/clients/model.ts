import type { Knex } from 'knex';
import type { ClientStatus } from '../../identity/model.js';
import type { Role } from '../../identity/principal.js';
import { listLimits, type LimitsRow } from '../../risk/limit-store.js';

/** A client, or a member of staff, as staff finds them. */
export interface ClientRow {
  readonly id: string;
  readonly email: string;
  readonly phone: string | null;
  readonly first_name: string;
  readonly last_name: string;
  readonly role: Role;
  readonly status: ClientStatus;
  readonly status_reason: string | null;
  /** `YYYY-MM-DD` */
  readonly date_of_birth: string | null;
  readonly address: Readonly<Record<string, unknown>> | null;
  readonly email_verified_at: Date | null;
  readonly email_undeliverable_at: Date | null;
  readonly email_undeliverable_reason: string | null;
  readonly activated_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface AccountRow {
  readonly id: string;
  readonly account_number: string;
  /** In 10^-4 USD. */
  readonly cash: bigint;
  readonly cash_held: bigint;
  readonly positions: number;
  readonly open_orders: number;
  /** Under way, or not paid for yet. */
  readonly open_transfers: number;
  readonly kill_switch: boolean;
  readonly restricted: boolean;
}

export interface ClientFile extends ClientRow {
  readonly api_keys: number;
  readonly open_sessions: number;
  readonly accounts: readonly (AccountRow & { readonly limits: LimitsRow | null })[];
}

export interface ClientFilter {
  readonly email?: string;
  readonly phone?: string;
  readonly name?: string;
  readonly status?: ClientStatus;
  readonly role?: Role;
  /** Only older ones than this id. */
  readonly page_token?: string;
  readonly limit: number;
}

const COLUMNS = [
  'id',
  'email',
  'phone',
  'first_name',
  'last_name',
  'role',
  'status',
  'status_reason',
  'address',
  'email_verified_at',
  'email_undeliverable_at',
  'email_undeliverable_reason',
  'activated_at',
  'created_at',
  'updated_at',
];

const clients = (knex: Knex) =>
  knex('clients').select<ClientRow[]>(...COLUMNS, knex.raw('date_of_birth::text as date_of_birth'));

/** A page of the clients, newest first. */
export async function listClients(knex: Knex, filter: ClientFilter): Promise<ClientRow[]> {
  const query = clients(knex).orderBy('id', 'desc').limit(filter.limit);
  for (const column of ['email', 'phone', 'status', 'role'] as const) {
    if (filter[column] !== undefined) void query.where(column, filter[column]);
  }
  if (filter.name !== undefined) {
    void query.whereRaw(
      `(lower(first_name || ' ' || last_name) like :prefix or lower(last_name) like :prefix)`,
      { prefix: `${filter.name.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%` },
    );
  }
  if (filter.page_token) void query.where('id', '<', filter.page_token);
  return await query;
}

export const findClient = async (knex: Knex, id: string): Promise<ClientRow | undefined> =>
  (await clients(knex).where({ id }))[0];

/** Nobody else changes the client until this transaction has ended. */
export const lockClient = async (
  trx: Knex.Transaction,
  id: string,
): Promise<ClientRow | undefined> => (await clients(trx).where({ id }).forNoKeyUpdate())[0];

/** $1 the client. Open orders are found as the kill switch finds them, each by an index. */
const ACCOUNTS = `
  select a.id, a.account_number, a.cash, a.cash_held,
    (select count(*) from positions p where p.account_id = a.id and p.qty <> 0)::int as positions,
    (select count(*) from (
       select order_id from work_items where account_id = a.id and kind in ('place', 'release')
       union select order_id from parked_orders where account_id = a.id
       union select order_id from book_orders where account_id = a.id
     ) as open)::int as open_orders,
    (select count(*) from transfers t
     where t.account_id = a.id and (t.status in ('queued', 'sent') or t.owed > 0))::int
      as open_transfers,
    exists (select from trading_blocks b where b.kind = 'kill' and b.target = a.id) as kill_switch,
    exists (select from trading_blocks b where b.kind = 'restrict' and b.target = a.id) as restricted
  from accounts a where a.client_id = ? order by a.id`;

export async function listAccounts(knex: Knex, clientId: string): Promise<AccountRow[]> {
  const { rows } = await knex.raw<{ rows: AccountRow[] }>(ACCOUNTS, [clientId]);
  return rows;
}

/** Everything that staff see of a client. */
export async function findClientFile(knex: Knex, id: string): Promise<ClientFile | undefined> {
  const client = await findClient(knex, id);
  if (!client) return undefined;
  const accounts = await listAccounts(knex, id);
  return {
    ...client,
    api_keys: await count(
      knex('api_keys')
        .where({ client_id: id })
        .whereNull('revoked_at')
        .whereRaw('coalesce(expires_at > now(), true)'),
    ),
    open_sessions: await count(
      knex('sessions')
        .where({ client_id: id })
        .whereNull('ended_at')
        .where('expires_at', '>', new Date()),
    ),
    accounts: await Promise.all(
      accounts.map(async (account) => {
        const [limits] = await listLimits(knex, { account_id: account.id, limit: 1 });
        return { ...account, limits: limits ?? null };
      }),
    ),
  };
}

async function count(query: Knex.QueryBuilder): Promise<number> {
  const rows = await query.count<{ rows: bigint }[]>('* as rows');
  return Number(rows[0]!.rows);
}

export async function setStatus(
  trx: Knex.Transaction,
  id: string,
  status: ClientStatus,
  reason: string,
): Promise<ClientRow> {
  await trx('clients')
    .where({ id })
    .update({ status, status_reason: reason, updated_at: new Date() });
  return (await findClient(trx, id))!;
}
