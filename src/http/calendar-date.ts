import Joi from 'joi';

const DATE = /^(\d{4}-\d\d-\d\d)(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * A date in a request, such as `2026-11-23`; becomes midnight UTC of it. Of a whole RFC 3339 time,
 * which some SDKs send in its place, the date counts as it is written.
 */
export const calendarDate = Joi.string()
  .max(40)
  .custom((text: string, { message }) => {
    const date = DATE.exec(text)?.[1];
    const day = new Date(`${date ?? ''}T00:00:00Z`);
    if (date && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date)) return day;
    return message({ custom: '{#label} must be a date such as 2026-11-23; it is "{#value}"' });
  });

/** `2026-11-23` of midnight UTC. */
export const dateText = (day: Date): string => day.toISOString().slice(0, 10);
