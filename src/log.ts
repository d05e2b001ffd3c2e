import winston from 'winston';

export type Logger = winston.Logger;

const SECRET_NAMES: ReadonlySet<string> = new Set([
  'authorization',
  'apca-api-secret-key',
  'cookie',
  'password',
  'current_password',
  'new_password',
  'password_hash',
  'secret',
  'secret_key',
  'token',
  'access_token',
  'refresh_token',
  'otp',
  'code',
]);
const isSecret = (name: string): boolean => SECRET_NAMES.has(name.toLowerCase());
const REDACTED = '[redacted]';
const MAX_DEPTH = 6;

function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error)
    return { name: value.name, message: value.message, stack: value.stack };
  if (value === null || typeof value !== 'object' || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      isSecret(name) ? REDACTED : redact(item, depth + 1),
    ]),
  );
}

const redaction = winston.format((info) => {
  for (const name of Object.keys(info)) {
    info[name] = isSecret(name) ? REDACTED : redact(info[name]);
  }
  return info;
});

/**
 * One JSON object a line on standard output. Levels: error, warn, info, http (one line a request), debug.
 * @param level   the least important level that is written
 * @param service written into every line, such as `api`
 */
export const createLogger = (level: string, service: string): Logger =>
  winston.createLogger({
    level,
    defaultMeta: { service, pid: process.pid },
    format: winston.format.combine(redaction(), winston.format.timestamp(), winston.format.json()),
    transports: [new winston.transports.Console({ stderrLevels: [] })],
  });
