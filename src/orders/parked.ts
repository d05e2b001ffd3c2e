import { directionOf } from '../domain/triggers.js';
import type { ArmedStop } from './armed-stops.js';
import type { ParkedRow } from './settlement-record.js';
import { stopRank } from './waiting-work.js';
import type { WorkingOrder } from './working-order.js';

/** A stop that waits for its price. */
export const parkedStop = (stop: ArmedStop): ParkedRow => ({
  order: stop.order,
  seq: stop.seq,
  waitsFor: 'trigger',
  direction: directionOf(stop.order.side),
  rank: stopRank(stop),
  hwm: stop.hwm,
  releaseAt: null,
});

/** An order that waits for a session. */
export const parkedAt = (order: WorkingOrder, seq: bigint, releaseAt: Date): ParkedRow => ({
  order,
  seq,
  waitsFor: 'session',
  direction: null,
  rank: null,
  hwm: null,
  releaseAt,
});

/** An order whose rest is at the external venue. */
export const parkedAtVenue = (order: WorkingOrder, seq: bigint): ParkedRow => ({
  ...parkedAt(order, seq, new Date(0)),
  waitsFor: 'venue',
  releaseAt: null,
});

/** A leg that waits for its entry. */
export const parkedLeg = (order: WorkingOrder, seq: bigint): ParkedRow => ({
  ...parkedAt(order, seq, new Date(0)),
  waitsFor: 'entry',
  releaseAt: null,
});
