import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Router from '@koa/router';
import Joi from 'joi';
import { notFound } from '../errors.js';
import type { Operation } from './operation.js';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>BrokerX+ API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** A file of its own: the page's policy lets no inline script run. */
const START = `window.onload = () => {
  window.SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#swagger-ui',
    deepLinking: true,
    validatorUrl: null, // nothing is sent anywhere
  });
};
`;

/** Found, not imported: importing the package would run all of its 1.7 MB of scripts in here. */
const FOLDER = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** The only files that are served, with their types. */
const ASSETS: ReadonlyMap<string, string> = new Map([
  ['start.js', 'text/javascript'],
  ['swagger-ui.css', 'text/css'],
  ['swagger-ui-bundle.js', 'text/javascript'],
  ['favicon-32x32.png', 'image/png'],
]);
const CACHE_SECONDS = 3_600;

/**
 * `/openapi.json`, and `/docs` to browse it with Swagger UI, whose files we serve ourselves.
 * @param document of OpenAPI, as JSON
 */
export function docsRouter(document: string): Router {
  const router = new Router();

  router.get('/openapi.json', (ctx) => {
    ctx.type = 'application/json';
    ctx.body = document;
  });

  router.get('/docs', (ctx) => {
    ctx.type = 'text/html';
    ctx.body = PAGE;
  });

  router.get('/docs/:file', (ctx) => {
    const file = ctx.params['file']!;
    const type = ASSETS.get(file);
    if (!type) throw notFound(`page /docs/${file}`);
    ctx.set('Cache-Control', `public, max-age=${CACHE_SECONDS}`);
    ctx.type = type;
    ctx.body = file === 'start.js' ? START : createReadStream(join(FOLDER, file));
  });

  return router;
}

const tag = 'Operation';

export const docsOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/openapi.json',
    tag,
    access: 'public',
    summary: 'This document',
    responses: {
      200: { description: 'OpenAPI 3.1', schema: Joi.object().unknown() },
    },
  },
  {
    method: 'get',
    path: '/docs',
    tag,
    access: 'public',
    summary: 'This document, to browse',
    responses: { 200: { description: 'A page', type: 'text/html', schema: Joi.string() } },
  },
  {
    method: 'get',
    path: '/docs/:file',
    tag,
    access: 'public',
    summary: 'A script, style or picture of the page',
    params: Joi.object({ file: Joi.string().required() }),
    responses: { 200: { description: 'The file', type: '*/*', schema: Joi.string() } },
    problems: [404],
  },
];
