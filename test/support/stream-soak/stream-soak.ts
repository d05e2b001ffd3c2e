import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { seededRandom } from '../../../src/domain/seeded-random.js';
import { eventually } from '../eventually.js';
import type { BookClient } from './book-client.js';
import { FAULTS } from './faults.js';
import { startPlace, Stops, SYMBOLS, type Place } from './place.js';
import { bookByRest, bookInPostgres } from './true-books.js';

const FAULT_NAMES = Object.keys(FAULTS);
const WORKED_OFF_WITHIN_MS = 60_000;
/** A publisher may have to start, and 3 s of silence to pass, before a client hears of whole books. */
const SAME_WITHIN_MS = 20_000;

export interface StreamSoakOptions {
  /** Of load and faults, without the checkpoints. */
  readonly seconds: number;
  /** Load between two checkpoints. */
  readonly checkEverySeconds: number;
  readonly faultEveryMs: number;
  readonly seed: number;
  readonly say: (text: string) => void;
}

/** Everything that a run needs: the whole product on a Redis of its own, one API more, and clients. */
export class StreamSoak {
  private checkpoints = 0;
  private compared = 0;
  /** Levels of the deepest side that was compared. */
  private deepest = 0;
  private readonly bag: string[] = [];
  private readonly happened = new Map<string, number>();
  private readonly random: () => number;

  private constructor(
    private readonly options: StreamSoakOptions,
    private readonly at: Place,
    private readonly stops: Stops,
  ) {
    this.random = seededRandom(options.seed + 1);
  }

  static async start(options: StreamSoakOptions): Promise<StreamSoak> {
    const stops = new Stops();
    try {
      return new StreamSoak(options, await startPlace(options.seed, stops), stops);
    } catch (error) {
      await stops.all();
      throw error;
    }
  }

  /** Load, faults and checkpoints in turn. @throws AssertionError at the first book that is wrong */
  async run(): Promise<void> {
    const { seconds, checkEverySeconds } = this.options;
    await this.check();
    const rounds = Math.max(1, Math.round(seconds / checkEverySeconds));
    for (let round = 0; round < rounds; round += 1) {
      this.at.load.resume();
      await this.breakThings((seconds / rounds) * 1_000);
      await this.at.load.pause();
      await this.check();
    }
    await this.judge();
  }

  stop(): Promise<void> {
    return this.stops.all();
  }

  private async breakThings(forMs: number): Promise<void> {
    const until = performance.now() + forMs;
    while (performance.now() < until || this.happened.size < FAULT_NAMES.length) {
      await sleep(this.options.faultEveryMs);
      const name = this.nextFault();
      await FAULTS[name]!({ ...this.at, random: this.random });
      this.happened.set(name, (this.happened.get(name) ?? 0) + 1);
    }
    await sleep(this.options.faultEveryMs); // of load after the last one
  }

  /** Each kind once, in some order; then again, in another one. */
  private nextFault(): string {
    if (this.bag.length === 0) this.bag.push(...FAULT_NAMES);
    return this.bag.splice(Math.floor(this.random() * this.bag.length), 1)[0]!;
  }

  /** Nothing moves now: everybody has the book that is in Postgres. */
  private async check(): Promise<void> {
    const { db, clients, apis, keys } = this.at;
    await eventually(async () => {
      const { rows } = await db.knex.raw<{ rows: object[] }>('select 1 from work_items limit 1');
      expect(rows, 'orders that wait').to.deep.equal([]);
    }, WORKED_OFF_WITHIN_MS);
    for (const symbol of SYMBOLS) {
      const truth = await bookInPostgres(db.knex, symbol);
      const sides = JSON.parse(truth) as unknown[][];
      this.deepest = Math.max(this.deepest, ...sides.map(({ length }) => length));
      await eventually(async () => {
        for (const url of apis) {
          expect(await bookByRest(url, keys[0]!, symbol), `${symbol} by REST`).to.equal(truth);
        }
        for (const client of clients.filter(({ symbols }) => symbols.includes(symbol))) {
          const book = client.find(symbol);
          expect(book?.text, `${symbol} of ${client.name}`).to.equal(truth);
          expect(book?.stale, `${symbol} of ${client.name} is stale`).to.equal(false);
          this.compared += 1;
        }
      }, SAME_WITHIN_MS);
    }
    this.checkpoints += 1;
    expect(this.at.same.differences, 'other books at the same number').to.deep.equal([]);
    this.options.say(`checkpoint ${this.checkpoints}: ${this.summary()}`);
  }

  /** What cannot be told before the end: whether there was anything to find. */
  private async judge(): Promise<void> {
    const { db, clients, same, load } = this.at;
    const unexplained = clients.flatMap((client) => client.unexplained);
    expect(unexplained, 'gaps though nothing was thrown away').to.deep.equal([]);
    const { gaps, healed, differences } = this.totals();
    expect(gaps, 'gaps that a lost message made').to.be.greaterThan(0);
    expect(healed, 'gaps that a whole book has ended').to.equal(gaps);
    expect(differences).to.be.greaterThan(100);
    const { rows: inParts } = await db.knex.raw<{ rows: object[] }>(
      'select 1 from orders where filled_qty > 0 and filled_qty < qty',
    );
    expect(inParts.length, 'orders that were filled in part').to.be.greaterThan(0);
    expect(same.compared).to.be.greaterThan(100);
    for (const kind of ['placed', 'replaced', 'canceled'] as const) {
      expect(load.counts[kind], kind).to.be.greaterThan(10);
    }
  }

  private totals(): BookClient['counts'] {
    const all = this.at.clients.map(({ counts }) => counts);
    const names = Object.keys(all[0]!) as (keyof BookClient['counts'])[];
    return Object.fromEntries(
      names.map((name) => [name, all.reduce((sum, counts) => sum + counts[name], 0)]),
    ) as BookClient['counts'];
  }

  private summary(): string {
    const { connections, ...counts } = this.totals();
    const { clients, same, load } = this.at;
    return JSON.stringify({
      checkpoints: this.checkpoints,
      booksCompared: this.compared,
      comparedAtSameNumber: same.compared,
      deepestSide: this.deepest,
      disconnects: connections - clients.length,
      ...counts,
      orders: load.counts,
      faults: Object.fromEntries(this.happened),
    });
  }
}
