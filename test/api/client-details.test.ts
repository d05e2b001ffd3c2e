import { expect } from 'chai';
import { listEntries } from '../../src/audit/entries.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { sessionOf } from '../support/session.js';
import { pendingPerson, signedUp, signUpBody } from '../support/sign-ups.js';
import { startTrading, type Trading } from '../support/trading.js';

describe('what a client reads and changes of themselves', () => {
  let trading: Trading;
  let api: Api;

  before(async () => {
    trading = await startTrading(1);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  it('is all that we know but the password, also of who is not active yet', async () => {
    const client = await pendingPerson(trading);
    const headers = await sessionOf(trading, api, client);
    const { status, body } = await api.call('GET', '/v2/clients/me', { headers });
    expect(status).to.equal(200);
    expect(body).to.include({ ...client, status: 'pending', first_name: 'Grace' });
    expect(JSON.stringify(body)).not.to.match(/argon2|password/);
  });

  it('is the number and the address, noted with what was before', async () => {
    const person = await createPerson(trading);
    const headers = await sessionOf(trading, api, person);
    const address = { ...signUpBody().address, city: 'Shelbyville' };
    const change = (body: object) => api.call('PATCH', '/v2/clients/me', { headers, body });
    const changed = await change({ address, phone: '(202) 555-9123' });
    expect(changed.body).to.include({ phone: '+12025559123' });
    expect(changed.body.address.city).to.equal('Shelbyville');
    await change({ phone: '+442079460958' });
    const [entry] = await listEntries(trading.container.db.knex, {
      client_id: person.id,
      limit: 1,
    });
    expect(entry).to.deep.include({ action: 'client.details_changed' });
    expect(entry!.before!['phone']).to.equal('+12025559123');
    expect(entry!.after!['phone']).to.equal('+442079460958');
    for (const body of [{}, { first_name: 'Eve' }, { email: 'x@test.example' }, { phone: '1' }]) {
      expectProblem(await change(body), 422, 42210000);
    }
    const other = await signedUp(trading, api);
    expectProblem(await change({ phone: other.phone }), 409, 40910000);
  });

  it("is nothing for a program's key", async () => {
    const person = await createPerson(trading);
    expectProblem(await api.call('GET', '/v2/clients/me', { as: person }), 403, 40310000);
  });
});
