import Joi from 'joi';
import { ROUTE_STATUSES } from '../domain/venue-route.js';
import { ROUTINGS, type Routing } from '../domain/venue-routing.js';
import { pageQuery } from '../http/page.js';
import { haltSymbolSchema, reasonSchema } from '../risk/schema.js';

/** What staff may send about the external venue. */

export const listRoutesSchema = Joi.object({
  status: Joi.valid(...ROUTE_STATUSES).description('open: the venue has it, or may have it'),
  disputed: Joi.boolean().description('The venue has contradicted itself or us'),
  ...pageQuery,
});

export const routeIdSchema = Joi.object({ id: Joi.string().guid().required() });

export const routingSymbolSchema = haltSymbolSchema;

export interface SetRoutingBody {
  readonly routing: Routing;
  readonly reason: string;
}

export const setRoutingSchema = reasonSchema
  .keys({
    routing: Joi.valid(...ROUTINGS)
      .required()
      .description('Where the unfilled rest of marketable orders goes'),
  })
  .label('SetRouting');
