import { createApiKey } from '../../src/identity/new-api-key.js';
import { scopesOfRole, type Role, type Scope } from '../../src/identity/principal.js';
import { createPerson, type Api } from './api.js';
import { sessionOf } from './session.js';
import type { Trading } from './trading.js';

/** Somebody who calls the API, with everything that decides what they may. */
export interface Caller {
  readonly name: string;
  /** Of a session a new one for each call: many a call ends all others. */
  readonly headers: () => Promise<Record<string, string>>;
  readonly credential: 'none' | 'key' | 'session';
  /** The owner of what is asked for, or anybody else. */
  readonly isOwner: boolean;
  readonly role: Role | null;
  readonly scopes: readonly Scope[];
  readonly hasAccount: boolean;
  readonly isSuspended: boolean;
  readonly steppedUp: boolean;
}

interface Person {
  readonly name: string;
  readonly id: string;
  readonly accountId: string | null;
  readonly role: Role;
  readonly isOwner?: boolean;
  readonly isSuspended?: boolean;
}

const KEY_SCOPES: readonly (readonly Scope[])[] = [
  ['read', 'trade'],
  ['read'],
  ['trade'],
  ['read', 'trade', 'admin'],
];

/** Every kind of caller: nobody, two clients, a suspended one, and staff, by key and by session. */
export async function createCallers(
  trading: Trading,
  api: Api,
  owner: { id: string; accountId: string },
  other: { id: string; accountId: string },
): Promise<Caller[]> {
  const { knex } = trading.container.db;
  const suspended = await createPerson(trading);
  const people: Person[] = [
    { name: 'the owner', ...owner, role: 'client', isOwner: true },
    { name: 'another client', ...other, role: 'client' },
    {
      name: 'a suspended client',
      id: suspended.id,
      accountId: null,
      role: 'client',
      isSuspended: true,
    },
  ];
  for (const role of ['ops', 'compliance', 'admin'] as const) {
    const { id } = await createPerson(trading, { role });
    people.push({ name: role, id, accountId: null, role });
  }
  const callers = await Promise.all(people.map((person) => callersOf(trading, api, person)));
  await knex('clients')
    .where({ id: suspended.id })
    .update({ status: 'suspended', updated_at: new Date() });
  return [NOBODY, ...callers.flat()];
}

const NOBODY: Caller = {
  name: 'nobody',
  headers: () => Promise.resolve({}),
  credential: 'none',
  isOwner: false,
  role: null,
  scopes: [],
  hasAccount: false,
  isSuspended: false,
  steppedUp: false,
};

async function callersOf(trading: Trading, api: Api, person: Person): Promise<Caller[]> {
  const { id, accountId, role } = person;
  const common = {
    isOwner: person.isOwner ?? false,
    role,
    hasAccount: accountId !== null,
    isSuspended: person.isSuspended ?? false,
  };
  const callers: Caller[] = [];
  for (const scopes of KEY_SCOPES) {
    const { knex } = trading.container.db;
    const key = await createApiKey(knex, { clientId: id, accountId, scopes, label: 'test' });
    const headers = { 'APCA-API-KEY-ID': key.key_id, 'APCA-API-SECRET-KEY': key.secret_key };
    callers.push({
      ...common,
      name: `${person.name} by a key for ${scopes.join('+')}`,
      headers: () => Promise.resolve(headers),
      credential: 'key',
      scopes,
      steppedUp: false,
    });
  }
  for (const steppedUp of [false, true]) {
    const headers = () => sessionOf(trading, api, { id, accountId, role }, { steppedUp });
    callers.push({
      ...common,
      name: `${person.name} by session${steppedUp ? ' with a second factor' : ''}`,
      headers,
      credential: 'session',
      scopes: scopesOfRole(role),
      steppedUp,
    });
  }
  return callers;
}
