import type { Knex } from 'knex';
import { invalid } from '../errors.js';
import { NOTIFICATION_EVENTS, type Language, type NotificationEvent } from './events.js';

/** How a client can be reached; permanent names. */
export const CHANNELS = ['email', 'in_app', 'webhook'] as const;
export type Channel = (typeof CHANNELS)[number];

export const ALL_EVENTS: readonly NotificationEvent[] = Object.values(NOTIFICATION_EVENTS).flat();

/** What a client wants to be told of one event, by channel. */
export type ChannelChoice = Readonly<Record<Channel, boolean>>;

export interface Preferences {
  readonly language: Language;
  readonly events: Readonly<Record<NotificationEvent, ChannelChoice>>;
}

/** What is not named stays as it is. */
export interface PreferenceChanges {
  readonly language?: Language;
  readonly events?: Partial<Record<NotificationEvent, Partial<ChannelChoice>>>;
}

const EXECUTIONS: ReadonlySet<NotificationEvent> = new Set([
  'order.filled',
  'order.partially_filled',
]);

/** As long as the client has chosen nothing: all but that an order came to the market, which has its answer. */
const byDefault = (event: NotificationEvent, channel: Channel): boolean =>
  event !== 'order.accepted' || channel === 'webhook';

/** The brief: a client always hears of what concerns the safety of the account. */
const isFixed = (event: NotificationEvent, channel: Channel): boolean =>
  event.startsWith('security.') && channel !== 'webhook';

const LOG_LINES: Readonly<Record<string, NotificationEvent>> = {
  new: 'order.accepted',
  partial_fill: 'order.partially_filled',
  fill: 'order.filled',
  rejected: 'order.rejected',
  canceled: 'order.canceled',
  expired: 'order.expired',
};

/** What a line of an account's log is to whoever is told; null for one of which nobody is. */
export const eventOfLogLine = (type: string): NotificationEvent | null =>
  LOG_LINES[type] ?? ALL_EVENTS.find((event) => event === type) ?? null;

interface ChoiceRow {
  clientId: string;
  event: NotificationEvent;
  channel: Channel;
  wanted: boolean;
}

const keyOf = ({ clientId, event, channel }: Omit<ChoiceRow, 'wanted'>): string =>
  `${clientId} ${event} ${channel}`;

/** Who is told. */
export interface Receiver {
  readonly clientId: string;
  readonly accountId: string | null;
}

/** What some clients have chosen. */
export class Wishes {
  private readonly chosen: ReadonlyMap<string, boolean>;

  private constructor(
    rows: readonly ChoiceRow[],
    /** Accounts with `trade_confirm_email` none. */
    private readonly unconfirmed: ReadonlySet<string>,
  ) {
    this.chosen = new Map(rows.map((row) => [keyOf(row), row.wanted]));
  }

  static async of(knex: Knex, receivers: readonly Receiver[]): Promise<Wishes> {
    const clientIds = [...new Set(receivers.map(({ clientId }) => clientId))];
    const accountIds = receivers.flatMap(({ accountId }) => accountId ?? []);
    const rows = await knex('notification_preferences')
      .whereIn('client_id', clientIds)
      .select<ChoiceRow[]>('event', 'channel', 'wanted', { clientId: 'client_id' });
    const unconfirmed = await knex('account_configurations')
      .whereIn('account_id', [...new Set(accountIds)])
      .where({ trade_confirm_email: 'none' })
      .pluck<string[]>('account_id');
    return new Wishes(rows, new Set(unconfirmed));
  }

  wants({ clientId, accountId }: Receiver, event: NotificationEvent, channel: Channel): boolean {
    if (isFixed(event, channel)) return true;
    if (channel === 'email' && EXECUTIONS.has(event) && this.unconfirmed.has(accountId ?? '')) {
      return false;
    }
    return this.chosen.get(keyOf({ clientId, event, channel })) ?? byDefault(event, channel);
  }
}

/** All that a client has chosen, defaults filled in. */
export async function readPreferences(knex: Knex, receiver: Receiver): Promise<Preferences> {
  const wishes = await Wishes.of(knex, [receiver]);
  const { language } = await knex('clients')
    .where({ id: receiver.clientId })
    .first<{ language: Language }>('language');
  const choiceOf = (event: NotificationEvent): ChannelChoice => ({
    email: wishes.wants(receiver, event, 'email'),
    in_app: wishes.wants(receiver, event, 'in_app'),
    webhook: wishes.wants(receiver, event, 'webhook'),
  });
  const events = Object.fromEntries(ALL_EVENTS.map((event) => [event, choiceOf(event)]));
  return { language, events: events as Preferences['events'] };
}

/**
 * Changes some choices; the others stay as they are.
 * @throws DomainError 422 for what cannot be turned off, and for mails about executions that
 *   `trade_confirm_email` has turned off for the whole account
 */
export async function changePreferences(
  trx: Knex.Transaction,
  receiver: Receiver,
  { language, events = {} }: PreferenceChanges,
  now: Date,
): Promise<Preferences> {
  const { clientId } = receiver;
  const current = await readPreferences(trx, receiver);
  const rows = (Object.keys(events) as NotificationEvent[]).flatMap((event) =>
    CHANNELS.flatMap((channel) => {
      const wanted = events[event]?.[channel];
      if (wanted === undefined || wanted === current.events[event][channel]) return [];
      requireChangeable(event, channel, wanted, current);
      return [{ client_id: clientId, event, channel, wanted, updated_at: now }];
    }),
  );
  if (rows.length > 0) {
    await trx('notification_preferences')
      .insert(rows)
      .onConflict(['client_id', 'event', 'channel'])
      .merge(['wanted', 'updated_at']);
  }
  if (language !== undefined) {
    await trx('clients').where({ id: clientId }).update({ language, updated_at: now });
  }
  const changed = await readPreferences(trx, receiver);
  for (const { event, channel, wanted } of rows) {
    if (changed.events[event][channel] !== wanted) throw switchedOff(event);
  }
  return changed;
}

function requireChangeable(
  event: NotificationEvent,
  channel: Channel,
  wanted: boolean,
  { events }: Preferences,
): void {
  if (!isFixed(event, channel) || wanted === events[event][channel]) return;
  throw refusal(
    `${event}.${channel}`,
    'cannot be turned off: you are always told of what concerns the safety of your account, by ' +
      'e-mail and in the app',
  );
}

const switchedOff = (event: NotificationEvent): Error =>
  refusal(
    `${event}.email`,
    'is off for the whole account: first set trade_confirm_email to all ' +
      '(PATCH /v2/account/configurations)',
  );

const refusal = (field: string, message: string) =>
  invalid(`The body is not valid: events.${field} ${message}`, {
    errors: [{ field: `events.${field}`, message }],
  });
