import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAKER_ACCOUNT } from '../../src/ledger/house.js';
import { checkReplay } from '../../src/market/replay-file.js';
import { ReplayedPrices, type ReplaySettings } from '../../src/market/replayed-prices.js';
import { createSimulator } from '../../src/market/simulator.js';
import { shares, startTrading, usd, type Trading } from '../support/trading.js';

const WORKER = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));
const HEADER = 'time,symbol,price,size';
const DAY = [
  HEADER,
  '2024-05-01T13:30:00Z,AAPL,150.004,300',
  '2024-05-01T13:30:00.500Z,BTCUSD,61000,0.5',
  '2024-05-01T09:30:10-04:00,AAPL,151,500',
  '',
  '2024-05-01T13:31:00Z,AAPL,152.5,20',
];
const BEGIN = new Date('2026-03-02T15:00:00Z');

describe('a replay', () => {
  let trading: Trading;
  let folder: string;
  let file: string;

  before(async () => {
    trading = await startTrading(1);
    folder = await mkdtemp(join(tmpdir(), 'replay-'));
    file = join(folder, 'day.csv');
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await trading.stop();
  });

  const catalog = () => trading.container.catalog;
  const knows = (symbol: string) => catalog().find(symbol) !== undefined;
  const write = (lines: readonly string[], newline = '\n') => writeFile(file, lines.join(newline));
  const check = () => checkReplay(file, knows);
  const fault = async (lines: readonly string[]): Promise<string> => {
    await write(lines);
    return check().then(
      (rows) => `none in ${rows} rows`,
      (error: unknown) => (error as Error).message.replace(file, 'FILE'),
    );
  };
  /** Steps of a replay, in seconds after its beginning. @returns AAPL's price and size at each */
  const replay = async (seconds: readonly number[], more: Partial<ReplaySettings> = {}) => {
    const settings = { file, speed: 1, repeat: false, ...more };
    const prices = new ReplayedPrices(settings, catalog(), trading.container.log);
    const aapl = catalog().find('AAPL')!;
    const standing = [{ asset: aapl, price: usd('99'), previousClose: usd('99') }];
    const seen: [bigint, bigint | null][] = [];
    for (const second of seconds) {
      const now = new Date(BEGIN.getTime() + second * 1_000);
      const { price, size } = (await prices.next(standing, now)).get(aapl.id)!;
      seen.push([price, size]);
    }
    prices.stop();
    return seen;
  };

  it('goes through the file in its own rhythm, on the tick, and stands still at its end', async () => {
    await write(DAY);
    expect(await check()).to.equal(4);
    expect(await replay([0, 9, 10, 59, 60, 1_000])).to.deep.equal([
      [usd('150'), shares('300')],
      [usd('150'), shares('300')],
      [usd('151'), shares('500')],
      [usd('151'), shares('500')],
      [usd('152.5'), shares('20')],
      [usd('152.5'), shares('20')],
    ]);
  });

  it('goes faster on request, and again from the beginning', async () => {
    await write(DAY);
    const faster = await replay([0, 1, 6], { speed: 10 });
    expect(faster.map(([price]) => price)).to.deep.equal(['150', '151', '152.5'].map(usd));
    const again = await replay([0, 60, 61, 70, 71, 121], { repeat: true });
    expect(again.map(([price]) => price)).to.deep.equal(
      ['150', '152.5', '150', '150', '151', '152.5'].map(usd),
    );
  });

  it('leaves alone what the file does not name yet', async () => {
    await write([HEADER, DAY[2]!, '2024-05-01T13:30:10Z,AAPL,151,500']);
    expect(await replay([0, 20])).to.deep.equal([
      [usd('99'), null],
      [usd('151'), shares('500')],
    ]);
  });

  it('reads Windows line ends, quotes and a byte order mark', async () => {
    await write(['\uFEFF"time",symbol,price,size', '"2024-05-01T13:30:00Z", AAPL ,"1",2'], '\r\n');
    expect(await check()).to.equal(1);
  });

  it('is read as it goes, whatever its length', async function () {
    this.timeout(30_000);
    const rows = Array.from({ length: 200_000 }, (_, n) => {
      const time = new Date(Date.UTC(2024, 4, 1) + n * 10).toISOString();
      return `${time},AAPL,${(150 + (n % 100) / 100).toFixed(2)},${1 + (n % 9)}`;
    });
    await write([HEADER, ...rows]);
    const heapBefore = process.memoryUsage().heapUsed;
    expect((await replay([0, 1]))[1]![0]).to.equal(usd('150'));
    expect(process.memoryUsage().heapUsed - heapBefore).to.be.lessThan(50_000_000);
  });

  for (const [name, lines, message] of [
    [
      'no such column',
      ['time,symbol,price', DAY[1]!],
      'line 1, column 4: was ""; the first line must be time,symbol,price,size',
    ],
    ['an empty file', [''], 'line 1, column 1: was ""; the first line must be'],
    ['a header alone', [HEADER], 'has no line below its header'],
    [
      'a time without a zone',
      [HEADER, '2024-05-01T13:30:00,AAPL,1,1'],
      'line 2, column time: was "2024-05-01T13:30:00"; it must be a time with its zone',
    ],
    ['a time that is none', [HEADER, '2024-13-01T13:30:00Z,AAPL,1,1'], 'line 2, column time'],
    [
      'a time that goes back',
      [...DAY, '2024-05-01T13:30:59Z,AAPL,1,1'],
      'line 7, column time: was "2024-05-01T13:30:59Z"; it must not be before the line above it, 2024-05-01T13:31:00.000Z',
    ],
    [
      'an asset that is none',
      [HEADER, '2024-05-01T13:30:00Z,NOPE,1,1'],
      'line 2, column symbol: was "NOPE"; it must be one of the assets',
    ],
    [
      'a price in words',
      [HEADER, DAY[1]!, '2024-05-01T13:30:01Z,AAPL,dear,1'],
      'line 3, column price: was "dear"; it must be a plain decimal',
    ],
    [
      'a price of nothing',
      [HEADER, '2024-05-01T13:30:00Z,AAPL,0,1'],
      'line 2, column price: was "0"; it must be greater than 0',
    ],
    [
      'a size below zero',
      [HEADER, '2024-05-01T13:30:00Z,AAPL,1,-1'],
      'line 2, column size: was "-1"; it must be greater than 0',
    ],
    ['a missing size', [HEADER, '2024-05-01T13:30:00Z,AAPL,1'], 'line 2, column size: was ""'],
    [
      'a column too many',
      [HEADER, '2024-05-01T13:30:00Z,AAPL,1,1,1'],
      'line 2, column 5: was "1"; a line has 4 columns',
    ],
    ['an open quote', [HEADER, '"2024-05-01T13:30:00Z,AAPL,1,1'], 'is not CSV: Quote Not Closed'],
  ] as const) {
    it(`refuses ${name}, and says where`, async () => {
      expect(await fault(lines))
        .to.include('MARKET_REPLAY_FILE FILE')
        .and.to.include(message);
    });
  }

  it('refuses a path where no file is', async () => {
    const error: unknown = await checkReplay(folder, knows).catch((e: unknown) => e);
    expect(String(error)).to.include(`MARKET_REPLAY_FILE was "${folder}": it must be the path of`);
  });

  it('moves the reference prices, and sizes the best quotes', async () => {
    await write(DAY);
    const { container } = trading;
    const marketReplay = { file, speed: 1, repeat: false };
    const simulator = createSimulator({
      ...container,
      config: { ...container.config, marketReplay },
    });
    try {
      await simulator.step(BEGIN);
      await trading.settle();
      await simulator.step(new Date(BEGIN.getTime() + 11_000));
      await trading.settle();
    } finally {
      simulator.stop();
    }
    const aapl = catalog().find('AAPL')!.id;
    const { knex } = container.db;
    expect(
      await knex('market_prices').where({ asset_id: aapl }).first('reference_price as price'),
    ).to.deep.equal({ price: usd('151') });
    const [best] = await knex('orders')
      .where({ account_id: MAKER_ACCOUNT, asset_id: aapl, side: 'sell' })
      .whereNull('closed_at')
      .orderBy('limit_price')
      .limit(1)
      .select<{ price: bigint; qty: bigint }[]>('limit_price as price', 'qty');
    expect(best).to.deep.equal({ price: usd('151.05'), qty: shares('500') });
  });

  it('ends a process with a bad file before it takes any work', async function () {
    this.timeout(30_000);
    await write([HEADER, '2024-05-01T13:30:00Z,AAPL,dear,1']);
    const { databaseUrl, redisUrl } = trading.container.config;
    const child = spawn(process.execPath, ['--import', 'tsx', WORKER], {
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        WORKER_ROLES: 'market',
        MARKET_SIMULATOR: 'on',
        MARKET_REPLAY_FILE: file,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).to.equal(1);
    expect(errors).to.include('line 2, column price: was "dear"');
    expect(out).not.to.include('worker is ready');
  });
});
