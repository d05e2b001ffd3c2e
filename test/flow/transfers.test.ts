import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { v7 as uuidv7 } from 'uuid';
import { connectDatabase, type Database } from '../../src/db.js';
import { addBankAccount } from '../../src/funding/bank-accounts.js';
import { systemActor } from '../../src/audit/record.js';
import { createSealer } from '../../src/identity/sealer.js';
import { parseDecimal, PRICE_SCALE } from '../../src/domain/money.js';
import { proveLedger } from '../../src/ledger/proof.js';
import { eventually } from '../support/eventually.js';
import { startProduct, type Product } from '../support/processes.js';

const SECRETS_KEY = 'a key of this test that has more than 32 characters';
const SETTLED_WITHIN_MS = 20_000;
const DEPOSITS = 12;

describe('deposits through the real payment provider', function () {
  this.timeout(120_000);
  let product: Product;
  let db: Database;
  let bankAccountId: string;

  before(async () => {
    product = await startProduct({
      env: {
        MARKET_SIMULATOR: 'off',
        SECRETS_KEY,
        TRANSFERS_PER_HOUR: '1000',
        RATE_LIMIT_PER_MIN: '0',
      },
    });
    db = connectDatabase(product.demo.database_url, 'test', 2);
    const { account_id: id } = product.demo.clients[0]!;
    const owner = await db.knex('accounts').where({ id }).first<{ client_id: string }>();
    const number = { kind: 'us', routing: '021000021', account: '123456789' } as const;
    const added = await db.knex.transaction((trx) =>
      addBankAccount(
        trx,
        createSealer(SECRETS_KEY),
        { clientId: owner.client_id, holderName: 'Alice Demo', nickname: null, number },
        systemActor('test'),
      ),
    );
    bankAccountId = added.id;
  });
  after(async () => {
    await db.close();
    await product.stop();
  });

  async function call(method: string, path: string, body?: object) {
    const { key_id: keyId, secret_key: secretKey } = product.demo.clients[0]!;
    const response = await fetch(product.demo.url + path, {
      method,
      headers: {
        'APCA-API-KEY-ID': keyId,
        'APCA-API-SECRET-KEY': secretKey,
        'Content-Type': 'application/json',
        'Idempotency-Key': uuidv7(),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, string>;
  }
  const deposit = async (amount: string): Promise<string> => {
    const body = { direction: 'INCOMING', amount, bank_account_id: bankAccountId };
    const answer = await call('POST', '/v2/transfers', body);
    expect(answer['status'], JSON.stringify(answer)).to.equal('QUEUED');
    return answer['id']!;
  };
  const cash = async () => parseDecimal((await call('GET', '/v2/account'))['cash']!, PRICE_SCALE);
  const statuses = async (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await call('GET', `/v2/transfers/${id}`))['status']));
  const killed = async (name: string): Promise<number> => {
    const pid = (await product.pids())[name]!;
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      expect((await product.pids())[name])
        .to.be.a('number')
        .not.equal(pid);
    });
    return pid;
  };

  it('settle and are credited', async () => {
    const before = await cash();
    const ids = [await deposit('250.00')];
    await eventually(async () => {
      expect(await statuses(ids)).to.deep.equal(['COMPLETE']);
    }, SETTLED_WITHIN_MS);
    expect((await cash()) - before).to.equal(parseDecimal('250', PRICE_SCALE));
  });

  it('lose and double nothing when the provider or our worker is killed in between', async () => {
    const before = await cash();
    const ids: string[] = [];
    let kills = 0;
    for (let n = 0; n < DEPOSITS; n += 1) {
      ids.push(await deposit(`${n + 1}.0${n % 2}`)); // at once, and 3 s later
      if (n % 5 === 1) {
        await sleep(100);
        await killed(n % 2 === 0 ? 'worker-1' : 'payments');
        kills += 1;
      }
    }
    expect(kills, 'the fault must have happened').to.be.greaterThan(2);
    await eventually(async () => {
      expect(new Set(await statuses(ids))).to.deep.equal(new Set(['COMPLETE']));
    }, SETTLED_WITHIN_MS + 20_000);
    const sum = ids.reduce(
      (total, _, n) => total + parseDecimal(`${n + 1}.0${n % 2}`, PRICE_SCALE),
      0n,
    );
    expect((await cash()) - before).to.equal(sum);
    expect(await proveLedger(db.knex)).to.include({ balanced: true });
  });
});
