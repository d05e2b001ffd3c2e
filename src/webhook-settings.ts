import Joi from 'joi';

/** The settings of webhooks. Times in milliseconds. */
export interface WebhookConfig {
  readonly webhooks: {
    /** For development: `http://` beside `https://`. */
    readonly allowHttp: boolean;
    /** For development: addresses of this machine and of private networks. */
    readonly allowPrivate: boolean;
    /** Endpoints that one worker process delivers to at once. */
    readonly concurrency: number;
    /** Messages a second to one endpoint. */
    readonly perSecond: number;
    /** How long the old secret signs beside the new one. */
    readonly secretOverlapMs: number;
    /** A message that has failed for so long is dead. */
    readonly giveUpMs: number;
    /** An endpoint without any success for so long is turned off. */
    readonly disableMs: number;
  };
}

/** After validation: defaults filled in, numbers read. */
export interface WebhookSettings {
  WEBHOOKS_ALLOW_HTTP: 'on' | 'off';
  WEBHOOKS_ALLOW_PRIVATE: 'on' | 'off';
  WEBHOOKS_CONCURRENCY: number;
  WEBHOOKS_PER_SECOND: number;
  WEBHOOKS_SECRET_OVERLAP_HOURS: number;
  WEBHOOKS_GIVE_UP_HOURS: number;
  WEBHOOKS_DISABLE_DAYS: number;
}

const onOrOff = Joi.string().valid('on', 'off').default('off');
const count = (max: number) => Joi.number().integer().min(1).max(max);

export const webhookSettings: Joi.StrictSchemaMap<WebhookSettings> = {
  WEBHOOKS_ALLOW_HTTP: onOrOff,
  WEBHOOKS_ALLOW_PRIVATE: onOrOff,
  WEBHOOKS_CONCURRENCY: count(1_000).default(50),
  WEBHOOKS_PER_SECOND: count(1_000).default(50),
  WEBHOOKS_SECRET_OVERLAP_HOURS: Joi.number().integer().min(0).max(720).default(24),
  WEBHOOKS_GIVE_UP_HOURS: count(720).default(72),
  WEBHOOKS_DISABLE_DAYS: count(90).default(5),
};

const HOUR_MS = 3_600_000;

/** @throws Error in production for what is only for development */
export function webhookConfigOf(value: WebhookSettings, nodeEnv: string): WebhookConfig {
  for (const name of ['WEBHOOKS_ALLOW_HTTP', 'WEBHOOKS_ALLOW_PRIVATE'] as const) {
    if (nodeEnv !== 'production' || value[name] === 'off') continue;
    throw new Error(`${name} is on; that is for development, production needs it off`);
  }
  return {
    webhooks: {
      allowHttp: value.WEBHOOKS_ALLOW_HTTP === 'on',
      allowPrivate: value.WEBHOOKS_ALLOW_PRIVATE === 'on',
      concurrency: value.WEBHOOKS_CONCURRENCY,
      perSecond: value.WEBHOOKS_PER_SECOND,
      secretOverlapMs: value.WEBHOOKS_SECRET_OVERLAP_HOURS * HOUR_MS,
      giveUpMs: value.WEBHOOKS_GIVE_UP_HOURS * HOUR_MS,
      disableMs: value.WEBHOOKS_DISABLE_DAYS * 24 * HOUR_MS,
    },
  };
}
