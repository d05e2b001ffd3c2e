import Joi from 'joi';

/** Some clients send every member they know: what was not set as null or as an empty text. */
const NOTHING = Joi.valid('', null);

/** A member for which null and an empty text are the same as not to send it. */
export const orAbsent = <S extends Joi.Schema>(schema: S): S => schema.empty(NOTHING) as S;
