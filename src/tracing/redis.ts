import { tracingChannel } from 'node:diagnostics_channel';
import { SpanKind, trace, type Span } from '@opentelemetry/api';
import { fail, startSpan } from './spans.js';

/** What ioredis tells of a command while it is under way: always the same object. */
interface Command {
  readonly command: string;
  error?: unknown;
}

/**
 * Gives every command to Redis that belongs to a trace a span, by the channel on which ioredis tells of
 * them. Only its name: keys and values may say more than a trace should.
 * @returns ends it
 */
export function traceRedis(): () => void {
  const channel = tracingChannel<Command, Command>('ioredis:command');
  const open = new WeakMap<Command, Span>();
  const subscriber = {
    start(command: Command) {
      if (!trace.getActiveSpan()?.isRecording()) return;
      const name = command.command.toUpperCase();
      const attributes = { 'db.system.name': 'redis', 'db.operation.name': name };
      open.set(command, startSpan(name, { kind: SpanKind.CLIENT, attributes }));
    },
    end: () => undefined, // the command is sent
    asyncStart: () => undefined,
    asyncEnd: (command: Command) => open.get(command)?.end(),
    error(command: Command) {
      const span = open.get(command);
      if (span) fail(span, command.error);
    },
  };
  channel.subscribe(subscriber);
  return () => channel.unsubscribe(subscriber);
}
