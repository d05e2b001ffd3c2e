import helmet from 'koa-helmet';
import type { Middleware } from './context.js';

const HSTS_SECONDS = 365 * 24 * 3_600;

const common = {
  hsts: { maxAge: HSTS_SECONDS, includeSubDomains: true },
  frameguard: { action: 'deny' as const },
  crossOriginResourcePolicy: { policy: 'same-origin' as const },
};

/** An API answer is data: a browser may do nothing with it. What concerns only pages is left out. */
const apiHeaders = helmet({
  ...common,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
});

/** The two pages for people: their own scripts, styles and pictures, and nothing from elsewhere. */
const pageHeaders = helmet({
  ...common,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      baseUri: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      imgSrc: ["'self'", 'data:'],
      objectSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"], // both pages set style attributes
    },
  },
});

const PAGES = /^\/(docs|admin\/queues)(\/|$)/;

export const securityHeaders: Middleware = async (ctx, next) => {
  await (PAGES.test(ctx.path) ? pageHeaders : apiHeaders)(ctx, next);
};
