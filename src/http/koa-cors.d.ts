/** @koa/cors 5 ships no types; these are the options we use. */
declare module '@koa/cors' {
  import type { Context, Middleware } from 'koa';

  interface CorsOptions {
    origin?: (ctx: Context) => string;
    allowMethods?: string;
    exposeHeaders?: readonly string[];
    maxAge?: number;
  }
  export default function cors(options?: CorsOptions): Middleware;
}
