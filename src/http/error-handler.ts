import type { Context } from 'koa';
import type { Middleware } from './context.js';
import { HttpRefusal, PROBLEM_TYPE, problemBody, toProblem } from './problem.js';

const EXPLANATIONS: Readonly<Record<number, string>> = {
  404: 'There is nothing at this path',
  405: 'This path does not have that method; see the Allow header',
  501: 'This server does not know that method',
};

/** Answers every error, and every refusal that has no body yet, as problem+json. */
export const answerErrors: Middleware = async (ctx, next) => {
  try {
    await next();
    if (ctx.status >= 400 && ctx.body == null && ctx.respond !== false) {
      answer(ctx, new HttpRefusal(ctx.status, EXPLANATIONS[ctx.status] ?? 'Refused'));
    }
  } catch (error) {
    answer(ctx, error);
  }
};

function answer(ctx: Context, error: unknown): void {
  ctx.state.error = error;
  const problem = toProblem(error);
  ctx.status = problem.status;
  for (const name in problem.headers) {
    if (!ctx.res.hasHeader(name)) ctx.set(name, problem.headers[name]!);
  }
  ctx.body = problemBody(problem, ctx.path, ctx.state.requestId);
  ctx.type = PROBLEM_TYPE; // after the body, which sets application/json
}
