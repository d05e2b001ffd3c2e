import {
  betterMark,
  directionOf,
  isReached,
  trailingStop,
  triggerRank,
  type Direction,
} from '../domain/triggers.js';
import type { WorkingOrder } from './working-order.js';

/** A stop that waits for its price. */
export interface ArmedStop {
  order: WorkingOrder;
  /** Its place in time among stops that are reached together. */
  seq: bigint;
  /** Where it is reached, in 10^-4 USD. */
  stop: bigint;
  /** The best price since it was armed, for a trailing stop. */
  hwm: bigint | null;
}

/**
 * The orders in which armed stops are read, each with the next to be reached first: by where they
 * stood when last written, and trailing ones by how closely they follow a new best price.
 */
export const LANES = ['rank', 'trail_price', 'trail_percent'] as const;
export type Lane = (typeof LANES)[number];

/** How far a lane has been read. */
interface LaneState {
  key: bigint;
  seq: bigint;
  isExhausted: boolean;
}

/** Which stops to read: in each lane those behind a place. */
export interface WantedStops {
  assetId: string;
  direction: Direction;
  after: Record<Lane, { key: bigint; seq: bigint }>;
}

export interface StopEntry {
  lane: Lane;
  /** What the lane is sorted by. */
  key: bigint;
  stop: ArmedStop;
}

/** One direction of one asset. */
interface Side {
  assetId: string;
  direction: Direction;
  armed: Map<string, ArmedStop>;
  lanes: Record<Lane, LaneState>;
  /** The best price for trailing stops among this pass's trades. */
  extreme: bigint | null;
  isTrailed: boolean;
}

const NOTHING_READ: LaneState = { key: -(2n ** 63n), seq: -1n, isExhausted: false };
const FIRST_READ = 1;
const NEXT_READ = 200;

/**
 * The stops that a pass can reach. Only the next one of each lane is read ahead, then more as prices
 * move: ten thousand stops that wait far away cost nothing.
 */
export class ArmedStops {
  private readonly sides = new Map<string, Side>();

  /**
   * @param load  reads the next stops of each lane, at most `limit` of each
   * @param admit told of each that was read; false when it waits no more
   */
  constructor(
    private readonly load: (wanted: WantedStops[], limit: number) => Promise<StopEntry[]>,
    private readonly admit: (stop: ArmedStop) => boolean,
  ) {}

  /** Reads at once what the assets' next trades could reach first. */
  async preload(assetIds: readonly string[]): Promise<void> {
    const sides = assetIds.flatMap((id) => [this.side(id, 'rise'), this.side(id, 'fall')]);
    if (sides.length > 0) await this.read(sides, FIRST_READ);
  }

  arm(stop: ArmedStop): void {
    this.sideOf(stop.order).armed.set(stop.order.id, stop);
  }

  /**
   * Takes a stop out, whether it was read or not.
   * @returns the best price that it has seen, this pass's trades included; null when it does not trail
   */
  disarm(order: WorkingOrder): bigint | null {
    const { armed, extreme } = this.sideOf(order);
    const stop = armed.get(order.id);
    if (armed.delete(order.id)) return stop!.hwm;
    const written = order.hwm;
    return written === null || extreme === null
      ? written
      : betterMark(order.side, written, extreme);
  }

  /**
   * Moves trailing stops along with a trade and takes out what it reaches: the nearest stop first,
   * of those at one price the one armed earlier.
   */
  async onTrade(assetId: string, price: bigint): Promise<ArmedStop[]> {
    const reached: ArmedStop[] = [];
    for (const direction of ['rise', 'fall'] as const) {
      const side = this.side(assetId, direction);
      follow(side, price);
      while (LANES.some((lane) => mayHideReached(side, lane, price))) {
        await this.read([side], NEXT_READ);
      }
      const due = [...side.armed.values()].filter(({ stop }) => isReached(direction, stop, price));
      for (const { order } of due) side.armed.delete(order.id);
      reached.push(...due.sort((a, b) => compare(direction, a, b)));
    }
    return reached;
  }

  /** The best prices that trailing stops saw in this pass: what is written of them must follow. */
  trailed(): { assetId: string; direction: Direction; extreme: bigint }[] {
    return [...this.sides.values()].flatMap(({ assetId, direction, extreme, isTrailed }) =>
      isTrailed && extreme !== null ? [{ assetId, direction, extreme }] : [],
    );
  }

  /** Where a stop stands that was armed or read in this pass. */
  find(order: WorkingOrder): ArmedStop | undefined {
    return this.sideOf(order).armed.get(order.id);
  }

  private async read(sides: Side[], limit: number): Promise<void> {
    const entries = await this.load(
      sides.map(({ assetId, direction, lanes }) => ({ assetId, direction, after: lanes })),
      limit,
    );
    const counts = new Map<LaneState, number>();
    for (const { lane, key, stop } of entries) {
      const side = this.sideOf(stop.order);
      const state = side.lanes[lane];
      state.key = key;
      state.seq = stop.seq;
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (lane !== 'rank') side.isTrailed = true;
      if (side.armed.has(stop.order.id) || !this.admit(stop)) continue;
      side.armed.set(stop.order.id, stop);
      if (side.extreme !== null) move(stop, side.extreme);
    }
    for (const { lanes } of sides) {
      for (const lane of LANES) {
        if ((counts.get(lanes[lane]) ?? 0) < limit) lanes[lane].isExhausted = true;
      }
    }
  }

  private sideOf({ assetId, side }: WorkingOrder): Side {
    return this.side(assetId, directionOf(side));
  }

  private side(assetId: string, direction: Direction): Side {
    const key = assetId + direction;
    let side = this.sides.get(key);
    if (!side) {
      const lanes = {
        rank: { ...NOTHING_READ },
        trail_price: { ...NOTHING_READ },
        trail_percent: { ...NOTHING_READ },
      };
      side = { assetId, direction, armed: new Map(), lanes, extreme: null, isTrailed: false };
      this.sides.set(key, side);
    }
    return side;
  }
}

/** Lets a trailing stop follow a price. */
function move(armed: ArmedStop, price: bigint): void {
  if (armed.hwm === null) return;
  const { side } = armed.order;
  armed.hwm = betterMark(side, armed.hwm, price);
  armed.stop = trailingStop(side, armed.hwm, armed.order);
}

function follow(side: Side, price: bigint): void {
  const trader = side.direction === 'fall' ? 'sell' : 'buy';
  side.extreme = side.extreme === null ? price : betterMark(trader, side.extreme, price);
  for (const stop of side.armed.values()) move(stop, price);
}

/** True when a stop that was not read yet may be reached at this price. */
function mayHideReached({ direction, lanes, extreme }: Side, lane: Lane, price: bigint): boolean {
  const { key, isExhausted } = lanes[lane];
  if (isExhausted) return false;
  if (key === NOTHING_READ.key) return true;
  if (lane === 'rank') return key <= triggerRank(direction, price);
  const trail =
    lane === 'trail_price'
      ? { trailPrice: key, trailPercent: null }
      : { trailPrice: null, trailPercent: Number(key) };
  const trader = direction === 'fall' ? 'sell' : 'buy';
  return isReached(direction, trailingStop(trader, extreme!, trail), price);
}

function compare(direction: Direction, a: ArmedStop, b: ArmedStop): number {
  const [rankA, rankB] = [triggerRank(direction, a.stop), triggerRank(direction, b.stop)];
  if (rankA !== rankB) return rankA < rankB ? -1 : 1;
  return a.seq < b.seq ? -1 : 1;
}
