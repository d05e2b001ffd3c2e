import {
  context,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanKind,
} from '@opentelemetry/api';
import { fail, isTracing, startSpan } from './spans.js';

export interface BatchSpanOptions {
  readonly kind?: SpanKind;
  readonly startTime?: Date;
  readonly attributes?: Attributes;
}

/**
 * One piece of work that is done for many traces at once: a span in each of them, with the same times.
 * The first one is active while the work is done and so has the statements below it; the others link to
 * it, and it to the traces of the others.
 */
export class BatchSpan {
  static readonly NONE = new BatchSpan([], null);

  private constructor(
    private readonly spans: readonly Span[],
    private readonly place: Context | null,
  ) {}

  /**
   * @param items   what is worked on
   * @param placeOf where an item belongs in its trace, if it has one; the same place twice is one
   */
  static start<Item>(
    name: string,
    items: readonly Item[],
    placeOf: (item: Item) => Context | null | undefined,
    options: BatchSpanOptions = {},
  ): BatchSpan {
    if (!isTracing()) return BatchSpan.NONE;
    const [first, ...others] = distinct(items.map(placeOf));
    if (!first) return BatchSpan.NONE;
    const whole = startSpan(name, { ...options, links: others.flatMap(linkTo) }, first);
    const links = [{ context: whole.spanContext() }];
    const parts = others.map((parent) => startSpan(name, { ...options, links }, parent));
    return new BatchSpan([whole, ...parts], trace.setSpan(first, whole));
  }

  /** Does some of the work; where nothing is traced it is just done. */
  run<T>(work: () => T): T {
    return this.place ? context.with(this.place, work) : work();
  }

  setAttributes(attributes: Attributes): void {
    for (const span of this.spans) span.setAttributes(attributes);
  }

  /** @param error why it failed, if it did: an Error, or something with a `code` that says it in a word */
  end(error?: unknown): void {
    for (const span of this.spans) {
      if (error !== undefined) fail(span, error);
      span.end();
    }
  }

  /** The whole work at once. */
  async around<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await this.run(work);
      this.end();
      return result;
    } catch (error) {
      this.end(error);
      throw error;
    }
  }
}

const linkTo = (place: Context): Link[] => {
  const linked = trace.getSpanContext(place);
  return linked ? [{ context: linked }] : [];
};

/** Commands of one request, such as the cancellation of all orders, come from the same span. */
function distinct(places: readonly (Context | null | undefined)[]): Context[] {
  const found = new Map<string, Context>();
  for (const place of places) {
    const spanId = place && trace.getSpanContext(place)?.spanId;
    if (spanId && !found.has(spanId)) found.set(spanId, place);
  }
  return [...found.values()];
}
