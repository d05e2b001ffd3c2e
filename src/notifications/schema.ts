import Joi from 'joi';
import { idempotencyHeaders } from '../http/idempotency.js';
import { answerSchema, timeText, uuidText, type Operation } from '../http/operation.js';
import { nextPageToken, pageLimit } from '../http/page.js';
import { EVENT_ID } from '../streams/schema.js';
import { LANGUAGES } from './events.js';
import { ALL_EVENTS } from './preferences.js';
import { UNREAD_COUNTED_MAX } from './inbox.js';

export interface ListNotificationsQuery {
  limit: number;
  unread: boolean;
  page_token?: string;
  since_id?: string;
  until_id?: string;
}

const number = Joi.string().pattern(EVENT_ID);

export const listNotificationsSchema = Joi.object({
  limit: pageLimit.description('Of a page; a stream has none'),
  unread: Joi.boolean().default(false).description('Of a page: only what you have not read'),
  page_token: number.description("The last answer's next_page_token"),
  since_id: number.description('Of a stream: the last number that you have; 0 for the beginning'),
  until_id: number.description('Of a stream: the last number that you want; it ends after it'),
});

export const notificationIdSchema = Joi.object({ id: Joi.string().guid().required() });

export const readAllSchema = Joi.object({
  up_to: Joi.string().guid().required().description('The id of the last one that you have seen'),
}).label('ReadAllNotifications');

const strictly = (description: string) => Joi.boolean().strict().description(description);
const channels = {
  email: strictly('A mail'),
  in_app: strictly('In the list of notifications and on its stream'),
  webhook: strictly('To your webhooks'),
};
const eachEvent = <Schema>(schema: Schema): Record<string, Schema> =>
  Object.fromEntries(ALL_EVENTS.map((event) => [event, schema]));

export const changePreferencesSchema = Joi.object({
  language: Joi.string()
    .valid(...LANGUAGES)
    .description('In which you are written to'),
  events: Joi.object(eachEvent(Joi.object(channels).min(1))),
})
  .or('language', 'events')
  .label('ChangeNotificationPreferences');

const preferencesSchema = answerSchema('NotificationPreferences', {
  language: Joi.string().valid(...LANGUAGES),
  // Not by answerSchema: to joi's fork a name with a full stop is a path.
  events: Joi.object(eachEvent(answerSchema('ChannelChoice', channels).required())).meta({
    name: 'NotificationChoices',
  }),
});

const notificationSchema = answerSchema('Notification', {
  id: uuidText,
  number: Joi.number().integer().min(1).description('Counts up from 1 without a gap'),
  event: Joi.string().valid(...ALL_EVENTS),
  account_id: uuidText.allow(null),
  data: Joi.object().unknown().description('What there is to tell; amounts are texts'),
  created_at: timeText,
  read_at: timeText.allow(null),
});

const unreadSchema = answerSchema('UnreadCount', {
  unread: Joi.number().integer().max(UNREAD_COUNTED_MAX),
});

const notificationStream = Joi.string()
  .description('Messages with id: the number, event: the event, data: the notification as JSON')
  .meta({ name: 'NotificationStream' });

const tag = 'Notifications';
const read = { tag, access: 'read' } as const;
const PREFERENCES = { description: 'All choices', schema: preferencesSchema };

export const notificationOperations: readonly Operation[] = [
  {
    ...read,
    method: 'get',
    path: '/v2/notifications',
    summary: 'What you were told: pages, or server-sent events',
    description:
      'The newest first. With `Accept: text/event-stream` a stream (of a client with an account): what ' +
      'stands in the list after `since_id`, then what comes, without a gap or a duplicate between the ' +
      'two. `Last-Event-ID`, which a browser sends by itself when it connects again, counts more than ' +
      '`since_id`; with neither, it begins with what comes from now on.',
    query: listNotificationsSchema,
    headers: Joi.object({
      'Last-Event-ID': number.description('For a stream: the last number that you have'),
    }),
    responses: {
      200: {
        description: 'A page, or a stream',
        schema: answerSchema('NotificationsPage', {
          notifications: Joi.array().items(notificationSchema),
          next_page_token: nextPageToken,
        }),
        alternatives: { 'text/event-stream': notificationStream },
      },
      204: { description: 'A stream that would be empty: you have everything up to until_id' },
    },
  },
  {
    ...read,
    method: 'get',
    path: '/v2/notifications/unread_count',
    summary: 'How many you have not read',
    description: `Counted up to ${UNREAD_COUNTED_MAX}.`,
    responses: { 200: { description: 'The count', schema: unreadSchema } },
  },
  {
    ...read,
    method: 'post',
    path: '/v2/notifications/:id/read',
    summary: 'Mark one as read',
    headers: idempotencyHeaders,
    params: notificationIdSchema,
    responses: { 200: { description: 'The notification', schema: notificationSchema } },
    problems: [404, 409],
  },
  {
    ...read,
    method: 'post',
    path: '/v2/notifications/read_all',
    summary: 'Mark one and all before it as read',
    headers: idempotencyHeaders,
    body: readAllSchema,
    responses: { 200: { description: 'How many are left', schema: unreadSchema } },
    problems: [404, 409],
  },
  {
    ...read,
    method: 'get',
    path: '/v2/notifications/preferences',
    summary: 'Of what you are told, by which channels',
    responses: { 200: PREFERENCES },
  },
  {
    tag,
    access: 'trade',
    method: 'put',
    path: '/v2/notifications/preferences',
    summary: 'Choose of what you are told, by which channels, and in which language',
    description:
      'What is not named stays. Of what concerns the safety of your account (`security.*`) you are ' +
      'always told by e-mail and in the app. Mails about executions are off while ' +
      "`trade_confirm_email` of the account's configurations is `none`.",
    headers: idempotencyHeaders,
    body: changePreferencesSchema,
    responses: { 200: PREFERENCES },
    problems: [409],
  },
];
