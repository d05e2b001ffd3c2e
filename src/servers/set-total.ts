import type { Counter } from 'prom-client';

/** Takes over what a server has counted itself; a smaller total means that it has begun anew. */
export function setTotal<Label extends string>(
  counter: Counter<Label>,
  labels: Record<Label, string>,
  total: number,
): void {
  counter.remove(labels);
  counter.inc(labels, total);
}
