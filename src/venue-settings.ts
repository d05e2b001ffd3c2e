import Joi from 'joi';
import type { VenueBehaviour } from './external-venue/behaviour.js';

/** The settings of the external venue after validation: defaults filled in, numbers read. */
export interface VenueSettings {
  VENUE_GOOD_FOR_MS: number;
  VENUE_SEED: string;
  VENUE_LATENCY_MIN_MS: number;
  VENUE_LATENCY_MAX_MS: number;
  VENUE_PARTIAL_PCT: number;
  VENUE_REJECT_PCT: number;
  VENUE_LATE_PCT: number;
  VENUE_DUPLICATE_PCT: number;
  VENUE_LOST_PCT: number;
  VENUE_OUTAGE_EVERY_S: number;
  VENUE_OUTAGE_FOR_S: number;
}

export interface VenueConfig {
  /** So long an order may stay at the venue, at most. */
  readonly venueGoodForMs: number;
  /** Of the simulated one. */
  readonly venue: VenueBehaviour;
}

const percent = Joi.number().min(0).max(100);
const latency = Joi.number().integer().min(0).max(60_000);
const seconds = Joi.number().integer().min(0).max(86_400);

/** What docs/market.md says about each. */
export const venueSettings: Joi.StrictSchemaMap<VenueSettings> = {
  VENUE_GOOD_FOR_MS: Joi.number().integer().min(100).max(3_600_000).default(10_000),
  VENUE_SEED: Joi.string()
    .pattern(/^[\w.-]{1,64}$/)
    .default('venue'),
  VENUE_LATENCY_MIN_MS: latency.default(50),
  VENUE_LATENCY_MAX_MS: latency.min(Joi.ref('VENUE_LATENCY_MIN_MS')).default(400),
  VENUE_PARTIAL_PCT: percent.default(20),
  VENUE_REJECT_PCT: percent.default(2),
  VENUE_LATE_PCT: percent.default(5),
  VENUE_DUPLICATE_PCT: percent.default(5),
  VENUE_LOST_PCT: percent.default(1),
  VENUE_OUTAGE_EVERY_S: seconds.default(0),
  VENUE_OUTAGE_FOR_S: seconds.default(0),
};

export const venueConfigOf = (value: VenueSettings): VenueConfig => ({
  venueGoodForMs: value.VENUE_GOOD_FOR_MS,
  venue: {
    seed: value.VENUE_SEED,
    latencyMin: value.VENUE_LATENCY_MIN_MS,
    latencyMax: value.VENUE_LATENCY_MAX_MS,
    partialShare: value.VENUE_PARTIAL_PCT,
    rejectShare: value.VENUE_REJECT_PCT,
    lateShare: value.VENUE_LATE_PCT,
    duplicateShare: value.VENUE_DUPLICATE_PCT,
    lostShare: value.VENUE_LOST_PCT,
    outageEveryMs: value.VENUE_OUTAGE_EVERY_S * 1_000,
    outageForMs: value.VENUE_OUTAGE_FOR_S * 1_000,
  },
});
