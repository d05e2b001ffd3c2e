import { expect } from 'chai';
import { configurationsSchema } from '../../src/configurations/schema.js';
import { createPerson, expectProblem, startApi, type Api } from '../support/api.js';
import { expectShape } from '../support/shape.js';
import { startTrading, type Trading } from '../support/trading.js';

describe("an account's configurations", () => {
  let trading: Trading;
  let api: Api;
  const path = '/v2/account/configurations';

  before(async () => {
    trading = await startTrading(2);
    api = await startApi(trading);
  });
  after(async () => {
    await api.stop();
    await trading.stop();
  });

  const get = (account = 0) => api.call('GET', path, { as: trading.accounts[account] });
  const patch = (body: object, account = 0) =>
    api.call('PATCH', path, { as: trading.accounts[account], body });

  const DEFAULTS = {
    suspend_trade: false,
    no_shorting: true,
    fractional_trading: true,
    trade_confirm_email: 'all',
    dtbp_check: 'entry',
    pdt_check: 'entry',
    max_margin_multiplier: '1',
    max_options_trading_level: null,
    ptp_no_exception_entry: false,
    disable_overnight_trading: false,
  };

  it('are the usual ones as long as nothing was changed', async () => {
    const { status, body } = await get();
    expect(status).to.equal(200);
    expectShape(configurationsSchema, body);
    expect(body).to.deep.equal(DEFAULTS);
  });

  it('change one by one, and only for one account', async () => {
    const changed = await patch({ trade_confirm_email: 'none' });
    expectShape(configurationsSchema, changed.body);
    expect(changed.body).to.deep.equal({ ...DEFAULTS, trade_confirm_email: 'none' });
    await patch({ suspend_trade: true, pdt_check: 'both', disable_overnight_trading: true });
    expect((await get()).body).to.deep.equal({
      ...DEFAULTS,
      trade_confirm_email: 'none',
      suspend_trade: true,
      pdt_check: 'both',
      disable_overnight_trading: true,
    });
    expect((await get(1)).body).to.deep.equal(DEFAULTS);
    const account = await api.call('GET', '/v2/account', { as: trading.accounts[0] });
    expect(account.body).to.include({ trade_suspended_by_user: true, trading_blocked: false });
    await patch({ suspend_trade: false });
    const again = await api.call('GET', '/v2/account', { as: trading.accounts[0] });
    expect(again.body).to.include({ trade_suspended_by_user: false });
  });

  it('can all be sent back as they were read', async () => {
    const { body } = await get(1);
    expect((await patch(body as object, 1)).body).to.deep.equal(body);
    expect((await patch({}, 1)).body).to.deep.equal(body);
  });

  it('stay as they are where null or an empty text is sent, as clients with fixed types do', async () => {
    const before = (await patch({ dtbp_check: 'exit', pdt_check: 'exit' }, 1)).body as object;
    for (const nothing of [null, '']) {
      const sent = {
        dtbp_check: nothing,
        pdt_check: nothing,
        trade_confirm_email: nothing,
        max_margin_multiplier: nothing,
        suspend_trade: null,
      };
      const { status, body } = await patch(sent, 1);
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body).to.deep.equal(before);
    }
  });

  it('take the multiplier as a number, too, and tell it as a text', async () => {
    for (const max_margin_multiplier of [1, '1']) {
      expect((await patch({ max_margin_multiplier })).body).to.include({
        max_margin_multiplier: '1',
      });
    }
  });

  it('refuse what they do not know, by name', async () => {
    for (const [field, value] of Object.entries({
      max_margin_multiplier: 4,
      max_options_trading_level: 2,
      trade_confirm_email: 'some',
      suspend_trade: 'yes',
      dtbp_check: 'never',
      id: 1,
    })) {
      const answer = await patch({ [field]: value });
      expectProblem(answer, 422, 42210000);
      expect(answer.body.errors[0].field).to.equal(field);
    }
  });

  it('are changed only by a credential that may trade', async () => {
    const as = await createPerson(trading, {
      accountId: trading.accounts[0]!.account_id,
      scopes: ['read'],
    });
    expect((await api.call('GET', path, { as })).status).to.equal(200);
    expectProblem(await api.call('PATCH', path, { as, body: {} }), 403, 40310000);
  });
});
