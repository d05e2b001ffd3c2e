import Joi from 'joi';
import { parseDecimal } from '../domain/money.js';

/**
 * A decimal in a request, as text or as a number; becomes a bigint in units of 10^-scale.
 * @param scale digits after the point that a unit has, such as PRICE_SCALE
 */
export const decimal = (scale: number): Joi.AlternativesSchema =>
  Joi.alternatives(Joi.string().max(64), Joi.number().unsafe())
    .messages({ 'alternatives.types': '{#label} must be a decimal number, as text or as a number' })
    .custom((value: string | number, { message }) => {
      try {
        return parseDecimal(value, scale);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        return message({ custom: `{#label} ${error.message}` });
      }
    });
