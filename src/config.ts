import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Joi from 'joi';
import { ROLES, type Role } from './identity/principal.js';
import {
  marketConfigOf,
  marketSettings,
  type MarketConfig,
  type MarketSettings,
} from './market-settings.js';
import {
  metricsConfigOf,
  metricsSettings,
  type MetricsConfig,
  type MetricsSettings,
} from './metrics-settings.js';
import {
  orderConfigOf,
  orderSettings,
  type OrderConfig,
  type OrderSettings,
} from './order-settings.js';
import {
  proxyConfigOf,
  proxySettings,
  type ProxyConfig,
  type ProxySettings,
} from './proxy-settings.js';
import { readSecretFiles, refuseKnownPassword, SECRET_SETTINGS } from './secret-files.js';
import {
  transferConfigOf,
  transferSettings,
  type TransferConfig,
  type TransferSettings,
} from './transfer-settings.js';
import {
  venueConfigOf,
  venueSettings,
  type VenueConfig,
  type VenueSettings,
} from './venue-settings.js';
import { relyingParty, type RelyingParty } from './mfa/relying-party.js';
import {
  tracingConfigOf,
  tracingSettings,
  type TracingConfig,
  type TracingSettings,
} from './tracing-settings.js';
import type { Thresholds } from './domain/surveillance.js';
import {
  surveillanceSettings,
  thresholdsOf,
  type SurveillanceSettings,
} from './surveillance-settings.js';
import {
  webhookConfigOf,
  webhookSettings,
  type WebhookConfig,
  type WebhookSettings,
} from './webhook-settings.js';

/** Every setting of the product, validated once at the start and frozen. */
export interface Config
  extends
    OrderConfig,
    TransferConfig,
    MarketConfig,
    VenueConfig,
    WebhookConfig,
    MetricsConfig,
    ProxyConfig,
    TracingConfig {
  readonly nodeEnv: 'development' | 'test' | 'production';
  readonly port: number;
  readonly host: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly cacheRedisUrl: string;
  readonly dataDir: string;
  readonly jwtSecret: string;
  /** Encrypts the secrets that must be readable again. */
  readonly secretsKey: string;
  /** Where the head of the audit log is written, outside of the database. */
  readonly auditAnchorFile: string;
  readonly logLevel: string;
  readonly rateLimitPerMin: number;
  readonly shards: number;
  readonly workerRoles: readonly WorkerRole[];
  readonly workers: number;
  readonly corsOrigins: readonly string[];
  /** Where passkeys work: origins of one domain. */
  readonly webauthn: RelyingParty;
  /** Roles that never log in without a second factor. */
  readonly mfaRequiredRoles: readonly Role[];
  readonly smtpUrl: string;
  readonly mailFrom: string;
  readonly smtpMaxConnections: number;
  readonly mailsPerSecond: number;
  /** How long what happens to an order is gathered into one message. */
  readonly notificationWindowMs: number;
  /** Where clients reach the API, for links in mails; without a slash at its end. */
  readonly publicUrl: string;
  readonly signUpExpiresDays: number;
  readonly surveillance: Thresholds;
}

export const WORKER_ROLES = [
  'orders',
  'notifications',
  'webhooks',
  'transfers',
  'payments',
  'venue',
  'market',
  'market-data',
  'maintenance',
] as const;
export type WorkerRole = (typeof WORKER_ROLES)[number];

/** The secrets of `npm start`; production refuses them. */
const DEVELOPMENT_SECRET = 'development-only-secret-do-not-use-in-production';

const url = (schemes: string[]) => Joi.string().uri({ scheme: schemes });
const list = Joi.string().allow('').default('');

const settings = Joi.object({
  NODE_ENV: Joi.string().valid('development', 'test', 'production').default('development'),
  PORT: Joi.number().port().default(3000),
  HOST: Joi.string().hostname().default('127.0.0.1'),
  DATABASE_URL: url(['postgres', 'postgresql']).required(),
  REDIS_URL: url(['redis', 'rediss']).required(),
  CACHE_REDIS_URL: url(['redis', 'rediss']),
  DATA_DIR: Joi.string().default('.brokerx'),
  JWT_SECRET: Joi.string().min(32).default(DEVELOPMENT_SECRET),
  SECRETS_KEY: Joi.string().min(32).default(DEVELOPMENT_SECRET),
  AUDIT_ANCHOR_FILE: Joi.string(),
  LOG_LEVEL: Joi.string().valid('error', 'warn', 'info', 'http', 'debug').default('info'),
  RATE_LIMIT_PER_MIN: Joi.number().integer().min(0).max(1_000_000).default(200),
  SHARDS: Joi.number().integer().min(1).max(256).default(16),
  WORKER_ROLES: list,
  WORKERS: Joi.number().integer().min(0).max(64).default(1),
  CORS_ORIGINS: list,
  WEBAUTHN_ORIGINS: list,
  MFA_REQUIRED_ROLES: list,
  SMTP_URL: url(['smtp', 'smtps']).allow('').default(''),
  MAIL_FROM: Joi.string().default('BrokerX+ <no-reply@brokerx.example>'),
  SMTP_MAX_CONNECTIONS: Joi.number().integer().min(1).max(100).default(4),
  MAILS_PER_SECOND: Joi.number().integer().min(1).max(10_000).default(10),
  NOTIFICATION_WINDOW_MS: Joi.number().integer().min(0).max(600_000).default(10_000),
  PUBLIC_URL: url(['http', 'https']),
  SIGN_UP_EXPIRES_DAYS: Joi.number().integer().min(2).max(365).default(7),
  ...orderSettings,
  ...marketSettings,
  ...transferSettings(DEVELOPMENT_SECRET),
  ...venueSettings,
  ...surveillanceSettings,
  ...webhookSettings,
  ...metricsSettings,
  ...proxySettings,
  ...tracingSettings,
}).unknown(true);

/**
 * Reads `.env` beside the working directory, if there is one, and the files of secrets; the environment
 * wins over `.env`.
 */
export function loadDotEnv(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
  readSecretFiles(process.env);
}

/**
 * Reads and checks the settings.
 * @param env the environment, usually `process.env`
 * @returns the frozen configuration
 * @throws Error that names every wrong variable, what it was and what it may be
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = settings.validate(present, { abortEarly: false });
  if (result.error) throw new Error(describe(result.error));
  const config = fromSettings(result.value as Settings);
  if (config.nodeEnv === 'production') refuseDefaultSecrets(config);
  return config;
}

function refuseDefaultSecrets(config: Config): void {
  const secrets = {
    JWT_SECRET: config.jwtSecret,
    SECRETS_KEY: config.secretsKey,
    PAYMENT_PROVIDER_SECRET: config.paymentProviderSecret,
  };
  for (const [name, value] of Object.entries(secrets)) {
    if (value !== DEVELOPMENT_SECRET) continue;
    throw new Error(`${name} is the development default; set a secret of at least 32 characters`);
  }
  refuseKnownPassword(config.databaseUrl);
}

/** The settings after validation: defaults filled in, numbers read. */
interface Settings
  extends
    OrderSettings,
    MarketSettings,
    TransferSettings,
    VenueSettings,
    SurveillanceSettings,
    WebhookSettings,
    MetricsSettings,
    ProxySettings,
    TracingSettings {
  NODE_ENV: Config['nodeEnv'];
  PORT: number;
  HOST: string;
  DATABASE_URL: string;
  REDIS_URL: string;
  CACHE_REDIS_URL?: string;
  DATA_DIR: string;
  JWT_SECRET: string;
  SECRETS_KEY: string;
  AUDIT_ANCHOR_FILE?: string;
  LOG_LEVEL: string;
  RATE_LIMIT_PER_MIN: number;
  SHARDS: number;
  WORKER_ROLES: string;
  WORKERS: number;
  CORS_ORIGINS: string;
  WEBAUTHN_ORIGINS: string;
  MFA_REQUIRED_ROLES: string;
  SMTP_URL: string;
  MAIL_FROM: string;
  SMTP_MAX_CONNECTIONS: number;
  MAILS_PER_SECOND: number;
  NOTIFICATION_WINDOW_MS: number;
  PUBLIC_URL?: string;
  SIGN_UP_EXPIRES_DAYS: number;
}

function fromSettings(value: Settings): Config {
  return Object.freeze({
    nodeEnv: value.NODE_ENV,
    port: value.PORT,
    host: value.HOST,
    databaseUrl: value.DATABASE_URL,
    redisUrl: value.REDIS_URL,
    cacheRedisUrl: value.CACHE_REDIS_URL ?? value.REDIS_URL,
    dataDir: value.DATA_DIR,
    jwtSecret: value.JWT_SECRET,
    secretsKey: value.SECRETS_KEY,
    auditAnchorFile: value.AUDIT_ANCHOR_FILE ?? join(value.DATA_DIR, 'audit-anchors.jsonl'),
    logLevel: value.LOG_LEVEL,
    rateLimitPerMin: value.RATE_LIMIT_PER_MIN,
    shards: value.SHARDS,
    workerRoles: parseWorkerRoles(value.WORKER_ROLES),
    workers: value.WORKERS,
    corsOrigins: splitList(value.CORS_ORIGINS),
    webauthn: relyingParty(splitList(value.WEBAUTHN_ORIGINS || `http://localhost:${value.PORT}`)),
    mfaRequiredRoles: parseNames('MFA_REQUIRED_ROLES', value.MFA_REQUIRED_ROLES, ROLES),
    smtpUrl: value.SMTP_URL,
    mailFrom: value.MAIL_FROM,
    smtpMaxConnections: value.SMTP_MAX_CONNECTIONS,
    mailsPerSecond: value.MAILS_PER_SECOND,
    notificationWindowMs: value.NOTIFICATION_WINDOW_MS,
    publicUrl: (value.PUBLIC_URL ?? `http://127.0.0.1:${value.PORT}`).replace(/\/+$/, ''),
    signUpExpiresDays: value.SIGN_UP_EXPIRES_DAYS,
    ...orderConfigOf(value),
    ...marketConfigOf(value),
    ...transferConfigOf(value, value.PORT),
    ...venueConfigOf(value),
    surveillance: thresholdsOf(value),
    ...webhookConfigOf(value, value.NODE_ENV),
    ...metricsConfigOf(value),
    ...proxyConfigOf(value.TRUSTED_PROXIES, splitList(value.TRUSTED_PROXIES)),
    ...tracingConfigOf(value),
  });
}

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function parseNames<Name extends string>(
  setting: string,
  text: string,
  allowed: readonly Name[],
): Name[] {
  const names = splitList(text);
  for (const name of names) {
    if ((allowed as readonly string[]).includes(name)) continue;
    throw new Error(
      `${setting} was "${text}": "${name}" is not a role. ` +
        `Allowed: a comma-separated list of ${allowed.join(', ')}`,
    );
  }
  return names as Name[];
}

function parseWorkerRoles(text: string): readonly WorkerRole[] {
  const roles = parseNames('WORKER_ROLES', text, WORKER_ROLES);
  return roles.length === 0 ? WORKER_ROLES : roles; // empty means all
}
function describe(error: Joi.ValidationError): string {
  const lines = error.details.map(({ path, message, context }) => {
    const name = String(path[0]);
    if (context?.value === undefined) return `${name} is not set: ${message}`;
    const was = SECRET_SETTINGS.has(name) ? '(hidden)' : JSON.stringify(context.value);
    return `${name} was ${was}: ${message}`;
  });
  return `Bad settings:\n  ${lines.join('\n  ')}`;
}

/** A secret for one run, such as a demo client's password. */
export const randomSecret = (bytes = 30): string => randomBytes(bytes).toString('base64url');
