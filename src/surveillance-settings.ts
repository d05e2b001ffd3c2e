import Joi from 'joi';
import type { Thresholds } from './domain/surveillance.js';

/** The settings of market surveillance after validation: defaults filled in, numbers read. */
export interface SurveillanceSettings {
  SURVEILLANCE_WASH_TRADES: number;
  SURVEILLANCE_LAYERS: number;
  SURVEILLANCE_LAYERING_RATIO: number;
  SURVEILLANCE_BURST_MESSAGES: number;
  SURVEILLANCE_CONCENTRATION_PCT: number;
}

/** What docs/surveillance.md says about each. */
export const surveillanceSettings: Joi.StrictSchemaMap<SurveillanceSettings> = {
  SURVEILLANCE_WASH_TRADES: Joi.number().integer().min(2).max(1_000).default(3),
  SURVEILLANCE_LAYERS: Joi.number().integer().min(2).max(1_000).default(4),
  SURVEILLANCE_LAYERING_RATIO: Joi.number().min(1).max(1_000).default(3),
  SURVEILLANCE_BURST_MESSAGES: Joi.number().integer().min(10).max(100_000).default(100),
  SURVEILLANCE_CONCENTRATION_PCT: Joi.number().min(1).max(100).default(40),
};

export const thresholdsOf = (value: SurveillanceSettings): Thresholds => ({
  washTrades: value.SURVEILLANCE_WASH_TRADES,
  layers: value.SURVEILLANCE_LAYERS,
  layeringRatio: value.SURVEILLANCE_LAYERING_RATIO,
  burstMessages: value.SURVEILLANCE_BURST_MESSAGES,
  concentrationPct: value.SURVEILLANCE_CONCENTRATION_PCT,
});
