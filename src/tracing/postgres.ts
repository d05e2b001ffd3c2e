import { SpanKind, trace, type Attributes, type Span } from '@opentelemetry/api';
import type { Knex } from 'knex';
import { fail, isTracing, startSpan } from './spans.js';

const TEXT_MAX = 500;

/** A statement's values are never in a span. Its text holds none: they are parameters. */
const startStatement = (name: string, attributes: Attributes): Span =>
  startSpan(name, {
    kind: SpanKind.CLIENT,
    attributes: { 'db.system.name': 'postgresql', ...attributes },
  });

/**
 * Sends a statement of the order path, in a span when it belongs to a trace.
 * @param name of the prepared statement, or its command
 */
export function sendInSpan<T>(name: string, send: () => Promise<T>): Promise<T> {
  if (!isTracing() || !trace.getActiveSpan()?.isRecording()) return send();
  const span = startStatement(name, { 'db.query.summary': name });
  const sent = send();
  sent.then(
    () => span.end(),
    (error: unknown) => {
      fail(span, error);
      span.end();
    },
  );
  return sent;
}

interface KnexQuery {
  readonly __knexQueryUid: string;
  readonly sql: string;
}

/** Gives every query of knex and Objection that belongs to a trace a span, by the events of knex. */
export function traceKnex(knex: Knex): void {
  if (!isTracing()) return;
  const open = new Map<string, Span>();
  const end = ({ __knexQueryUid: id }: KnexQuery, error?: unknown): void => {
    const span = open.get(id);
    open.delete(id);
    if (error !== undefined && span) fail(span, error);
    span?.end();
  };
  knex.on('query', ({ __knexQueryUid: id, sql }: KnexQuery) => {
    if (!trace.getActiveSpan()?.isRecording()) return;
    const text = sql.trim().slice(0, TEXT_MAX);
    const command = /^\w+/.exec(text)?.[0].toUpperCase() ?? 'SQL';
    open.set(id, startStatement(command, { 'db.query.text': text }));
  });
  knex.on('query-response', (_rows: unknown, query: KnexQuery) => end(query));
  knex.on('query-error', (error: unknown, query: KnexQuery) => end(query, error));
}
