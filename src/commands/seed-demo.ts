import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Knex } from 'knex';
import { newId } from '../ids.js';
import { readPrices } from '../assets/prices.js';
import { openAccounts } from '../accounts/open-accounts.js';
import { systemActor } from '../audit/record.js';
import { randomSecret, type Config } from '../config.js';
import { connectDatabase } from '../db.js';
import { parseDecimal, PRICE_SCALE, QTY_SCALE, tradeValue } from '../domain/money.js';
import { addBankAccount } from '../funding/bank-accounts.js';
import { ApiKey, Client } from '../identity/model.js';
import { createApiKey, hashSecret } from '../identity/new-api-key.js';
import { hashPassword } from '../identity/passwords.js';
import type { Role } from '../identity/principal.js';
import { createSealer, type Sealer } from '../identity/sealer.js';
import { seedHistory } from '../market/history.js';
import { BANDED_ASSETS, seedAssets } from './seed-assets.js';

export interface DemoLogin {
  email: string;
  password: string;
  key_id: string;
  secret_key: string;
}
export interface DemoClient extends DemoLogin {
  account_id: string;
}
export interface DemoStaff extends DemoLogin {
  role: Role;
}
export interface DemoCredentials {
  clients: DemoClient[];
  admin: DemoLogin;
  /** Beside the admin: two people are needed for some acts. */
  staff: DemoStaff[];
}

const NAMES = ['Alice', 'Bob', 'Carol', 'Dave'];
const STAFF: readonly { name: string; role: Role }[] = [
  { name: 'Ops', role: 'ops' },
  { name: 'Compliance', role: 'compliance' },
  { name: 'Admin2', role: 'admin' },
];
const LAST_NAME = 'Demo';
const CASH = '1000000';
const SHARES = '10000';
const COINS: Record<string, string> = { 'BTC/USD': '10', 'ETH/USD': '200' };
/** What the book has too little of is looked for at the external venue. */
const AT_VENUE = ['DIS'];
/** A routing number that passes its check. */
const BANK = '021000021';
const FILE = 'demo-credentials.json';

const emailOf = (name: string): string => `${name.toLowerCase()}@demo.brokerx.example`;

/**
 * Seeds the demo market with a made-up past, at least four funded clients who hold some of everything, an admin, and who
 * works beside them.
 * Their passwords and secrets are made up once and kept in DATA_DIR (mode 0600), so that they are
 * the same after a restart; where database and file do not fit together, new ones are made.
 */
export async function seedDemo(config: Config): Promise<DemoCredentials> {
  const db = connectDatabase(config.databaseUrl, 'seed', 2);
  try {
    await seedAssets(db.knex, config.shards, BANDED_ASSETS);
    await seedHistory(db.knex, config.marketHours, new Date());
    await routeToVenue(db.knex);
    const kept = await readKept(config.dataDir);
    const clients: DemoClient[] = [];
    const sealer = createSealer(config.secretsKey);
    for (const name of NAMES) clients.push(await ensureClient(db.knex, sealer, name, kept));
    const admin = await ensureStaff(db.knex, 'Admin', 'admin', kept);
    const staff: DemoStaff[] = [];
    for (const { name, role } of STAFF) {
      staff.push({ role, ...(await ensureStaff(db.knex, name, role, kept)) });
    }
    const credentials = { clients, admin, staff };
    const text = `${JSON.stringify(credentials, null, 2)}\n`;
    await writeFile(join(config.dataDir, FILE), text, { mode: 0o600 });
    return credentials;
  } finally {
    await db.close();
  }
}

/** Only in a new database: what staff decide later stays. */
async function routeToVenue(knex: Knex): Promise<void> {
  await knex('assets')
    .whereIn('symbol', AT_VENUE)
    .whereNotExists(knex('clients').select('id'))
    .update({ routing: 'venue' });
}

async function readKept(dataDir: string): Promise<Map<string, DemoLogin>> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => null);
  if (text === null) return new Map();
  // One of an earlier version has no staff.
  const {
    clients,
    admin,
    staff = [],
  } = JSON.parse(text) as Partial<DemoCredentials> & Pick<DemoCredentials, 'clients' | 'admin'>;
  return new Map([...clients, admin, ...staff].map((login) => [login.email, login]));
}

async function ensureClient(
  knex: Knex,
  sealer: Sealer,
  name: string,
  kept: Map<string, DemoLogin>,
): Promise<DemoClient> {
  const email = emailOf(name);
  const client = await Client.query(knex).findOne({ email });
  if (!client) return openDemoAccount(knex, sealer, name, email);
  const { id } = (await knex('accounts').first('id').where({ client_id: client.id })) as {
    id: string;
  };
  const login = await ensureLogin(knex, client, id, kept.get(email));
  return { ...login, account_id: id };
}

async function openDemoAccount(
  knex: Knex,
  sealer: Sealer,
  name: string,
  email: string,
): Promise<DemoClient> {
  const password = randomSecret(12);
  const passwordHash = await hashPassword(password);
  const assets = await readPrices(knex);
  const holdings = assets.map(({ id, symbol, price }) => {
    const qty = parseDecimal(COINS[symbol] ?? SHARES, QTY_SCALE);
    return { assetId: id, qty, cost: tradeValue(price, qty) };
  });
  const opened = await knex.transaction(async (trx) => {
    const [account] = await openAccounts(trx, [
      {
        email,
        passwordHash,
        firstName: name,
        lastName: LAST_NAME,
        cash: parseDecimal(CASH, PRICE_SCALE),
        holdings,
      },
    ]);
    await addBankAccount(
      trx,
      sealer,
      {
        clientId: account!.clientId,
        holderName: `${name} ${LAST_NAME}`,
        nickname: 'demo',
        number: { kind: 'us', routing: BANK, account: String(randomInt(1e8, 1e9)) },
      },
      systemActor('seed'),
    );
    return account!;
  });
  const { accountId, key_id, secret_key } = opened;
  return { email, password, account_id: accountId, key_id, secret_key };
}

async function ensureStaff(
  knex: Knex,
  name: string,
  role: Role,
  kept: Map<string, DemoLogin>,
): Promise<DemoLogin> {
  const email = emailOf(name);
  let client = await Client.query(knex).findOne({ email });
  client ??= await Client.query(knex).insertAndFetch({
    id: newId(),
    email,
    passwordHash: null,
    firstName: name,
    lastName: LAST_NAME,
    role,
    status: 'active',
  });
  return ensureLogin(knex, client, null, kept.get(email));
}

/** The kept credentials when they still fit the database, else new ones. */
async function ensureLogin(
  knex: Knex,
  client: Client,
  accountId: string | null,
  kept: DemoLogin | undefined,
): Promise<DemoLogin> {
  if (kept && client.passwordHash !== null) {
    const key = await ApiKey.query(knex).findById(kept.key_id).whereNull('revoked_at');
    if (key?.secretHash.equals(hashSecret(kept.secret_key))) return pickLogin(kept);
  }
  const password = randomSecret(12);
  await Client.query(knex)
    .findById(client.id)
    .patch({ passwordHash: await hashPassword(password) });
  const key = await createApiKey(knex, {
    clientId: client.id,
    accountId,
    scopes: accountId === null ? ['read', 'trade', 'admin'] : ['read', 'trade'],
    label: 'demo',
  });
  return { email: client.email, password, ...key };
}

const pickLogin = ({ email, password, key_id, secret_key }: DemoLogin): DemoLogin => ({
  email,
  password,
  key_id,
  secret_key,
});
