import Joi from 'joi';

/** The settings of the simulated market after validation: defaults filled in, numbers read. */
export interface MarketSettings {
  MARKET_SIMULATOR: 'on' | 'off';
  MARKET_HOURS: 'always' | 'nyse';
  MARKET_SEED: string;
  MARKET_REPLAY_FILE: string;
  MARKET_REPLAY_SPEED: number;
  MARKET_REPLAY_REPEAT: 'on' | 'off';
  MARKET_MAKER_INVENTORY_MAX: number;
  MARKET_MINUTES_KEPT_DAYS: number;
}

/** What docs/market.md says about each. */
export const marketSettings: Joi.StrictSchemaMap<MarketSettings> = {
  MARKET_SIMULATOR: Joi.string().valid('on', 'off').default('on'),
  MARKET_HOURS: Joi.string().valid('always', 'nyse').default('always'),
  MARKET_SEED: Joi.string()
    .pattern(/^[\w.-]{1,64}$/)
    .default(''),
  MARKET_REPLAY_FILE: Joi.string().default(''),
  MARKET_REPLAY_SPEED: Joi.number().min(0.01).max(1_000).default(1),
  MARKET_REPLAY_REPEAT: Joi.string().valid('on', 'off').default('off'),
  MARKET_MAKER_INVENTORY_MAX: Joi.number()
    .integer()
    .min(1_000)
    .max(1_000_000_000)
    .default(10_000_000),
  MARKET_MINUTES_KEPT_DAYS: Joi.number().integer().min(2).max(36_500).default(400),
};

export interface MarketConfig {
  readonly marketSimulator: boolean;
  readonly marketHours: 'always' | 'nyse';
  /** Null: a new one for each start. */
  readonly marketSeed: string | null;
  /** Reference prices from a file instead of made-up ones; null: none. */
  readonly marketReplay: {
    readonly file: string;
    readonly speed: number;
    readonly repeat: boolean;
  } | null;
  /** How far the market maker may move away from what it wants to hold of an asset, in dollars. */
  readonly marketMakerInventoryMax: number;
  /** After so many days the bars of minutes are deleted; those of hours and days stay. */
  readonly marketMinutesKeptDays: number;
}

export const marketConfigOf = (value: MarketSettings): MarketConfig => ({
  marketSimulator: value.MARKET_SIMULATOR === 'on',
  marketHours: value.MARKET_HOURS,
  marketSeed: value.MARKET_SEED === '' ? null : value.MARKET_SEED,
  marketReplay:
    value.MARKET_REPLAY_FILE === ''
      ? null
      : {
          file: value.MARKET_REPLAY_FILE,
          speed: value.MARKET_REPLAY_SPEED,
          repeat: value.MARKET_REPLAY_REPEAT === 'on',
        },
  marketMakerInventoryMax: value.MARKET_MAKER_INVENTORY_MAX,
  marketMinutesKeptDays: value.MARKET_MINUTES_KEPT_DAYS,
});
