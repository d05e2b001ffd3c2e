import { expect } from 'chai';
import type Joi from 'joi';

/** Asserts what the documentation promises of an answer. */
export const expectShape = (schema: Joi.Schema, value: unknown): void => {
  expect(schema.validate(value, { convert: false }).error?.message).to.equal(undefined);
};
