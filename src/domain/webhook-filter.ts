/** What a filter needs to know of an event. */
export interface FilteredEvent {
  readonly type: string;
  readonly isAboutOrder: boolean;
}

/** What happens to orders, as the account's log calls it. */
const ORDER_TYPES = [
  'pending_new',
  'new',
  'partial_fill',
  'fill',
  'canceled',
  'expired',
  'rejected',
  'pending_cancel',
  'order_cancel_rejected',
  'pending_replace',
  'replaced',
  'order_replace_rejected',
] as const;

const ALL = '*';
const OF_ORDERS = 'order.*';
const PREFIX_END = '.*';

/**
 * Whether an endpoint is told of an event.
 * @param filters `*`; `order.*` for whatever is about an order; `transfer.*` and the like; types
 */
export const wantsEvent = (
  filters: readonly string[],
  { type, isAboutOrder }: FilteredEvent,
): boolean =>
  filters.some(
    (filter) =>
      filter === ALL ||
      filter === type ||
      (filter === OF_ORDERS && isAboutOrder) ||
      (filter.endsWith(PREFIX_END) && type.startsWith(filter.slice(0, -1))),
  );

/**
 * Every filter that there is.
 * @param others the types that are not about orders, such as `transfer.settled`
 */
export const knownFilters = (others: readonly string[]): string[] => {
  const groups = others.map((type) => type.slice(0, type.indexOf('.')) + PREFIX_END);
  return [ALL, OF_ORDERS, ...new Set(groups), ...ORDER_TYPES, ...others];
};
