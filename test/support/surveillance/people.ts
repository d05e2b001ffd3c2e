import type { Knex } from 'knex';
import type { MarketDay } from './market-day.js';

export interface Person {
  clientId: string;
  accountIds: string[];
  lastName: string;
  phone: string;
  address: Record<string, string>;
  device: { ip: string; userAgent: string } | null;
}

const NAMES = [
  'Smith',
  'Jones',
  'Garcia',
  'Chen',
  'Patel',
  'Kim',
  'Novak',
  'Okafor',
  'Silva',
  'Roy',
];

/** Those who trade on a generated day, with what makes accounts linked or only look so. */
export class People {
  readonly all: Person[] = [];
  private made = 0;

  constructor(private readonly day: MarketDay) {}

  add(
    details: Partial<Pick<Person, 'address' | 'device' | 'lastName'>> & { accounts?: number } = {},
  ) {
    const number = (this.made += 1);
    const { day } = this;
    const person: Person = {
      clientId: day.id(day.open - 86_400_000),
      accountIds: Array.from({ length: details.accounts ?? 1 }, () =>
        day.id(day.open - 86_400_000),
      ),
      lastName: details.lastName ?? day.pick(NAMES),
      phone: `+1212${String(5_000_000 + number)}`,
      address: details.address ?? anAddress(`${number} Main Street`),
      device: details.device ?? { ip: `10.0.${number >> 8}.${number & 255}`, userAgent: 'Firefox' },
    };
    this.all.push(person);
    return person;
  }

  /** The account of a new person who shares nothing with anybody. */
  stranger(): string {
    return this.add().accountIds[0]!;
  }

  async write(knex: Knex): Promise<void> {
    const created_at = new Date(this.day.open - 86_400_000);
    await knex.batchInsert(
      'clients',
      this.all.map(({ clientId, lastName, phone, address }) => ({
        ...{ id: clientId, email: `${clientId}@day.example`, first_name: 'A', last_name: lastName },
        ...{ role: 'client', status: 'active', phone, address, created_at },
      })),
    );
    const accounts = this.all.flatMap(({ clientId, accountIds }) =>
      accountIds.map((id) => ({ id, client_id: clientId, account_number: id.slice(-12) })),
    );
    await knex.batchInsert('accounts', accounts);
    const devices = this.all.filter(({ device }) => device !== null);
    await knex.batchInsert(
      'devices',
      devices.map(({ clientId, device }) => ({
        id: clientId,
        client_id: clientId,
        token_hash: Buffer.from(clientId.replaceAll('-', '')),
        user_agent: device!.userAgent,
        ip: device!.ip,
      })),
    );
  }
}

export const anAddress = (street: string): Record<string, string> => ({
  street,
  city: 'New York',
  region: 'NY',
  postal_code: '10001',
  country: 'US',
});
