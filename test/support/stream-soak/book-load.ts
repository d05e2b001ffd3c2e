import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Key } from '../order-load.js';

export interface Priced {
  readonly symbol: string;
  /** In cents. */
  readonly price: number;
}

/** So far from the price its side begins, and so far behind that it ends: more than 50 levels. */
const OVERLAP_CENTS = 10;
const BAND_CENTS = 120;
const QTY_MAX = 9;
const OPEN_MAX = 60;
const PAUSE_MS = 4;
const PAUSE_AFTER_FAILURE_MS = 50;

/**
 * Traders who place, replace and cancel limit orders around a price, so that books are deep, move at
 * every level and trade in parts. One side a trader: nobody meets himself.
 */
export class BookLoad {
  readonly counts = { placed: 0, replaced: 0, canceled: 0, refused: 0, lost: 0 };
  private readonly agent = new Agent({ connections: 16 });
  private readonly open: string[][];
  /** Which API each trader uses: another one when it fails. */
  private readonly api: number[];
  private running: Promise<unknown> = Promise.resolve();
  private isOn = false;

  /** @param urls of the APIs; @param symbols the first one gets half of the orders */
  constructor(
    private readonly urls: readonly string[],
    private readonly keys: readonly Key[],
    private readonly symbols: readonly Priced[],
    private readonly random: () => number,
  ) {
    this.open = keys.map(() => []);
    this.api = keys.map((_, trader) => trader);
  }

  resume(): void {
    this.isOn = true;
    this.running = Promise.all(this.keys.map((_, trader) => this.trade(trader)));
  }

  /** Returns when everything that was sent has been answered. */
  async pause(): Promise<void> {
    this.isOn = false;
    await this.running;
  }

  async stop(): Promise<void> {
    await this.pause();
    await this.agent.destroy();
  }

  private async trade(trader: number): Promise<void> {
    while (this.isOn) {
      try {
        await this.act(trader);
        await sleep(PAUSE_MS);
      } catch {
        this.counts.lost += 1;
        this.api[trader]! += 1;
        await sleep(PAUSE_AFTER_FAILURE_MS);
      }
    }
  }

  private act(trader: number): Promise<void> {
    const open = this.open[trader]!;
    const kind = this.random();
    if (open.length > 0 && (kind < 0.25 || open.length > OPEN_MAX)) return this.cancel(trader);
    if (open.length > 0 && kind < 0.5) return this.replace(trader);
    return this.place(trader);
  }

  private async place(trader: number): Promise<void> {
    const { symbol, price } =
      this.symbols[this.random() < 0.5 ? 0 : this.below(this.symbols.length)]!;
    const { status, id } = await this.call(trader, 'POST', '/v2/orders', {
      symbol,
      qty: this.qty(),
      side: trader % 2 === 0 ? 'buy' : 'sell',
      type: 'limit',
      limit_price: this.limit(trader, price),
      time_in_force: this.random() < 0.1 ? 'ioc' : 'day',
    });
    if (status !== 200) return this.refused();
    this.counts.placed += 1;
    this.open[trader]!.push(`${symbol} ${id}`);
  }

  private async cancel(trader: number): Promise<void> {
    const [, id] = this.takeOpen(trader);
    const { status } = await this.call(trader, 'DELETE', `/v2/orders/${id}`);
    if (status !== 204) return this.refused(); // it has been filled
    this.counts.canceled += 1;
  }

  private async replace(trader: number): Promise<void> {
    const [symbol, id] = this.takeOpen(trader);
    const { price } = this.symbols.find((one) => one.symbol === symbol)!;
    const change =
      this.random() < 0.5 ? { qty: this.qty() } : { limit_price: this.limit(trader, price) };
    const answer = await this.call(trader, 'PATCH', `/v2/orders/${id}`, change);
    if (answer.status !== 200) return this.refused();
    this.counts.replaced += 1;
    this.open[trader]!.push(`${symbol} ${answer.id}`);
  }

  private takeOpen(trader: number): [symbol: string, id: string] {
    const open = this.open[trader]!;
    return open.splice(this.below(open.length), 1)[0]!.split(' ') as [string, string];
  }

  private refused(): void {
    this.counts.refused += 1;
  }

  private below(count: number): number {
    return Math.floor(this.random() * count);
  }

  private qty(): string {
    return String(1 + this.below(QTY_MAX));
  }

  private limit(trader: number, price: number): string {
    const away = this.below(BAND_CENTS) - OVERLAP_CENTS;
    return ((trader % 2 === 0 ? price - away : price + away) / 100).toFixed(2);
  }

  private async call(
    trader: number,
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<{ status: number; id: string }> {
    const { key_id, secret_key } = this.keys[trader]!;
    const answer = await request(this.urls[this.api[trader]! % this.urls.length]! + path, {
      method,
      dispatcher: this.agent,
      headers: {
        'APCA-API-KEY-ID': key_id,
        'APCA-API-SECRET-KEY': secret_key,
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    const { id = '' } = (text === '' ? {} : JSON.parse(text)) as { id?: string };
    return { status: answer.statusCode, id };
  }
}
