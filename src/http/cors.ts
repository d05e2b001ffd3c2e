import corsOf from '@koa/cors';
import type { Middleware } from './context.js';

const PREFLIGHT_MAX_AGE_SECONDS = 600;

/**
 * Lets browsers on these origins use the API, and no others.
 * @param origins exact origins, such as `https://app.example`; with none nothing is allowed
 */
export function allowOrigins(origins: readonly string[]): Middleware[] {
  if (origins.length === 0) return [];
  const allowed = new Set(origins);
  const cors = corsOf({
    origin: (ctx) => {
      const origin = ctx.get('Origin');
      return allowed.has(origin) ? origin : '';
    },
    allowMethods: 'GET,HEAD,POST,PUT,PATCH,DELETE',
    exposeHeaders: [
      'ETag',
      'Idempotent-Replayed',
      'RateLimit',
      'RateLimit-Policy',
      'Retry-After',
      'X-Cache',
      'X-Request-ID',
    ],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
  });
  return [cors];
}
