import { expect } from 'chai';
import { assetSchema } from '../../src/assets/schema.js';
import { calendarSchema, marketCalendarSchema } from '../../src/market/calendar-schema.js';
import { marketClocksSchema } from '../../src/market/clock-routes.js';
import { expectProblem, startApi, type Api } from '../support/api.js';
import { expectShape } from '../support/shape.js';
import { startTrading, type Trading } from '../support/trading.js';

interface Day {
  date: string;
  open: string;
  settlement_date: string;
}

describe('calendar, clocks and what can be traded', () => {
  let trading: Trading;
  let always: Api;
  let nyse: Api;
  let time = new Date('2026-11-23T15:00:00Z');

  before(async () => {
    trading = await startTrading(1);
    always = await startApi(trading, { now: () => time });
    nyse = await startApi(trading, { settings: { marketHours: 'nyse' }, now: () => time });
  });
  after(async () => {
    await always.stop();
    await nyse.stop();
    await trading.stop();
  });
  beforeEach(() => {
    time = new Date('2026-11-23T15:00:00Z');
  });

  const get = (path: string, api = nyse) => api.call('GET', path, { as: trading.accounts[0] });

  describe('the calendar', () => {
    it('has the days of a range, without weekends and holidays, with early closes', async () => {
      const { body } = await get('/v2/calendar?start=2026-11-25&end=2026-11-30');
      expectShape(calendarSchema, body);
      expect(body).to.deep.equal([
        {
          date: '2026-11-25',
          open: '09:30',
          close: '16:00',
          session_open: '0400',
          session_close: '2000',
          settlement_date: '2026-11-27',
        },
        {
          date: '2026-11-27',
          open: '09:30',
          close: '13:00',
          session_open: '0400',
          session_close: '1700',
          settlement_date: '2026-11-30',
        },
        {
          date: '2026-11-30',
          open: '09:30',
          close: '16:00',
          session_open: '0400',
          session_close: '2000',
          settlement_date: '2026-12-01',
        },
      ]);
    });

    it('finds days by the day on which they settle', async () => {
      const query = 'start=2026-11-30&end=2026-11-30&date_type=SETTLEMENT';
      const { body } = await get(`/v2/calendar?${query}`);
      expect((body as Day[]).map(({ date }) => date)).to.deep.equal(['2026-11-27']);
    });

    it('settles two days after the trade until May 2024 and one day since', async () => {
      const { body } = await get('/v2/calendar?start=2024-05-23&end=2024-05-28');
      const days = (body as Day[]).map((day) => [day.date, day.settlement_date]);
      expect(days).to.deep.equal([
        ['2024-05-23', '2024-05-28'],
        ['2024-05-24', '2024-05-29'],
        ['2024-05-28', '2024-05-29'],
      ]);
    });

    it('takes whole times for dates, as an SDK sends them', async () => {
      const start = encodeURIComponent('2026-11-25T00:00:00.000Z');
      const { body } = await get(`/v2/calendar?start=${start}&end=${start}`);
      expect((body as Day[]).map(({ date }) => date)).to.deep.equal(['2026-11-25']);
    });

    it('is the one of 1970 to 2029 when nothing is asked for', async function () {
      this.timeout(10_000);
      const { body } = await get('/v2/calendar');
      expectShape(calendarSchema, body);
      const days = body as Day[];
      expect([days[0]!.date, days.at(-1)!.date]).to.deep.equal(['1970-01-02', '2029-12-31']);
    });

    it('has every day, from midnight to midnight UTC, when the market never closes', async () => {
      const { body } = await get('/v2/calendar?start=2026-11-28&end=2026-11-29', always);
      expectShape(calendarSchema, body);
      expect(body).to.deep.equal(
        ['2026-11-28', '2026-11-29'].map((date) => ({
          date,
          open: '00:00',
          close: '23:59',
          session_open: '0000',
          session_close: '2359',
          settlement_date: date,
        })),
      );
    });

    it('goes as far as it is known when more is asked for', async () => {
      const of = async (path: string) => {
        const { body } = await get(path);
        const days = (Array.isArray(body) ? body : body.calendar) as { date: string }[];
        return days.map(({ date }) => date);
      };
      expect(await of('/v2/calendar?start=2029-12-28&end=2030-12-31')).to.deep.equal([
        '2029-12-28',
        '2029-12-31',
      ]);
      expect(await of('/v2/calendar?start=0001-01-01&end=1970-01-02')).to.have.lengthOf(1);
      expect(await of('/v2/calendar?start=2031-01-01&end=9999-12-31')).to.deep.equal([]);
      expect(await of('/v3/calendar/NYSE?start=2029-12-31')).to.deep.equal(['2029-12-31']);
    });

    it('refuses what is no date or the wrong way round', async () => {
      for (const query of [
        'start=yesterday',
        'start=2026-02-30',
        'start=2026-12-01&end=2026-11-01',
        'date_type=trade',
        'limit=3',
      ]) {
        expectProblem(await get(`/v2/calendar?${query}`), 422, 42210000);
      }
      const { body } = await get('/v2/calendar?start=2026-02-30');
      expect(body.errors).to.deep.equal([
        { field: 'start', message: 'start must be a date such as 2026-11-23; it is "2026-02-30"' },
      ]);
    });

    it("has a market's sessions with the offset of its clock, or in UTC", async () => {
      const { body } = await get('/v3/calendar/NYSE?start=2026-07-02&end=2026-07-06');
      expectShape(marketCalendarSchema, body);
      expect(body.market).to.include({
        mic: 'XNYS',
        acronym: 'NYSE',
        timezone: 'America/New_York',
      });
      expect((body.calendar as Day[]).map(({ date }) => date)).to.deep.equal([
        '2026-07-02',
        '2026-07-06',
      ]);
      expect(body.calendar[0]).to.deep.equal({
        date: '2026-07-02',
        core_start: '2026-07-02T09:30:00-04:00',
        core_end: '2026-07-02T16:00:00-04:00',
        pre_start: '2026-07-02T04:00:00-04:00',
        pre_end: '2026-07-02T09:30:00-04:00',
        lunch_start: null,
        lunch_end: null,
        post_start: '2026-07-02T16:00:00-04:00',
        post_end: '2026-07-02T20:00:00-04:00',
        settlement_date: '2026-07-06',
      });
      const utc = await get('/v3/calendar/XNAS?start=2026-07-02&end=2026-07-02&timezone=UTC');
      expect(utc.body.calendar[0]).to.include({ core_start: '2026-07-02T13:30:00+00:00' });
    });

    it('begins with today, and knows no other markets', async () => {
      const { body } = await get('/v3/calendar/NASDAQ');
      expectShape(marketCalendarSchema, body);
      expect(body.calendar[0].date).to.equal('2026-11-23');
      expectProblem(await get('/v3/calendar/LSE'), 422, 42210000);
      const open = await get('/v3/calendar/NYSE', always);
      expectShape(marketCalendarSchema, open.body);
      expect(open.body.calendar[0]).to.include({
        core_start: '2026-11-23T00:00:00+00:00',
        core_end: '2026-11-24T00:00:00+00:00',
        pre_start: null,
      });
    });
  });

  describe('the clocks', () => {
    it('tell the phase of the day and until when', async () => {
      const phases: [string, string, string, boolean][] = [
        ['2026-11-23T08:59:59Z', 'closed', '2026-11-23T04:00:00-05:00', true],
        ['2026-11-23T09:00:00Z', 'pre', '2026-11-23T09:30:00-05:00', true],
        ['2026-11-23T14:30:00Z', 'core', '2026-11-23T16:00:00-05:00', true],
        ['2026-11-23T21:00:00Z', 'post', '2026-11-23T20:00:00-05:00', true],
        ['2026-11-24T01:00:00Z', 'closed', '2026-11-24T04:00:00-05:00', true],
        ['2026-11-26T15:00:00Z', 'closed', '2026-11-27T04:00:00-05:00', false],
        ['2026-11-27T20:00:00Z', 'post', '2026-11-27T17:00:00-05:00', true],
      ];
      for (const [moment, phase, until, isMarketDay] of phases) {
        time = new Date(moment);
        const { body } = await get('/v3/clock');
        expectShape(marketClocksSchema, body);
        expect(body.clocks, moment).to.have.lengthOf(2);
        const seen = { phase, phase_until: until, is_market_day: isMarketDay };
        expect(body.clocks[0], moment).to.include(seen);
      }
    });

    it('can be asked about some markets and another time', async () => {
      const { body } = await get('/v3/clock?markets=XNYS&time=2026-11-21T15:00:00Z');
      expect(body.clocks).to.have.lengthOf(1);
      expect(body.clocks[0]).to.deep.include({
        timestamp: '2026-11-21T10:00:00-05:00',
        is_market_day: false,
        next_market_open: '2026-11-23T09:30:00-05:00',
        next_market_close: '2026-11-23T16:00:00-05:00',
        phase: 'closed',
      });
      expectProblem(await get('/v3/clock?markets=NYSE,MOON'), 422, 42210000);
      expectProblem(await get('/v3/clock?time=noon'), 422, 42210000);
    });

    it('are always in the core session when the market never closes', async () => {
      const { body } = await get('/v3/clock', always);
      expectShape(marketClocksSchema, body);
      expect(body.clocks[0]).to.include({
        phase: 'core',
        phase_until: '2026-11-24T00:00:00+00:00',
        is_market_day: true,
      });
    });
  });

  describe('assets', () => {
    const symbols = async (query: string): Promise<string[]> =>
      ((await get(`/v2/assets?${query}`)).body as { symbol: string }[]).map(({ symbol }) => symbol);

    it('are found by a list of symbols or ids', async () => {
      expect(await symbols('symbols=MSFT,BTCUSD,AAPL')).to.deep.equal(['AAPL', 'BTC/USD', 'MSFT']);
      const { body } = await get('/v2/assets/AAPL');
      expectShape(assetSchema, body);
      expect(await symbols(`ids=${body.id as string}`)).to.deep.equal(['AAPL']);
    });

    it('are filtered by exchange, class and attributes', async () => {
      expect(await symbols('exchange=arca')).to.deep.equal(['SPY']);
      expect(await symbols('asset_class=us_option')).to.deep.equal([]);
      expect(await symbols('attributes=ipo,has_options')).to.deep.equal([]);
      expect(await symbols('attributes=')).to.have.lengthOf(22);
      for (const [name, values] of [
        ['exchange', ['FTXU', 'CBSE', 'ERSX', 'ASCX', 'GNSS', 'NYSEMKT', 'IEX']],
        ['attributes', ['options_enabled', 'ipo&attributes=ptp_no_exception']],
        ['asset_class', ['crypto_perp', 'us_option', 'treasury']],
      ] as const) {
        for (const value of values) {
          expect(await symbols(`${name}=${value}`), value).to.deep.equal([]);
        }
      }
    });

    it('are not filtered by what does not exist', async () => {
      for (const query of ['exchange=MOON', 'attributes=shiny', 'ids=1', 'asset_class=bond']) {
        expectProblem(await get(`/v2/assets?${query}`), 422, 42210000);
      }
    });

    it('have no announcements of corporate actions', async () => {
      const path = '/v2/corporate_actions/announcements';
      const { status, body } = await get(
        `${path}?ca_types=dividend,SPLIT&since=2026-01-01&until=2026-04-01`,
      );
      expect({ status, body: body as unknown }).to.deep.equal({ status: 200, body: [] });
      const repeated = 'ca_types=dividend&ca_types=merger&since=2026-01-01&until=2026-01-02';
      expect((await get(`${path}?${repeated}`)).body).to.deep.equal([]);
      for (const query of [
        'ca_types=dividend&since=2026-01-01&until=2026-04-02',
        'ca_types=dividend&since=2026-01-02&until=2026-01-01',
        'ca_types=party&since=2026-01-01&until=2026-01-02',
        'since=2026-01-01&until=2026-01-02',
        'ca_types=dividend&since=2026-01-01',
      ]) {
        expectProblem(await get(`${path}?${query}`), 422, 42210000);
      }
      expectProblem(await get(`${path}/be3c368a-4c7c-4384-808e-f02c9f5a8afe`), 404, 40410000);
    });

    it('have no options', async () => {
      const { body } = await get('/v2/options/contracts?underlying_symbols=AAPL&limit=10');
      expect(body).to.deep.equal({ option_contracts: [], next_page_token: null });
      expectProblem(await get('/v2/options/contracts/AAPL250620C00100000'), 404, 40410000);
      const exercise = '/v2/positions/AAPL250620C00100000/exercise';
      const as = trading.accounts[0];
      expectProblem(await always.call('POST', exercise, { as }), 404, 40410000);
      expectProblem(await always.call('POST', exercise), 401, 40110000);
    });
  });
});
