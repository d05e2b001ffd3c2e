import Joi from 'joi';
import { orAbsent } from '../http/absent.js';
import { answerSchema, type Operation } from '../http/operation.js';

const CHECKS = ['both', 'entry', 'exit'];
const of = (schema: Joi.Schema, description: string) => schema.description(description);

const members = {
  suspend_trade: of(Joi.boolean().strict(), 'No new orders are taken'),
  no_shorting: of(Joi.boolean().strict(), 'Nothing can be sold short here in any case'),
  fractional_trading: of(Joi.boolean().strict(), 'Orders for fractions of shares are taken'),
  trade_confirm_email: of(
    Joi.string().valid('all', 'none'),
    'With none, no mails about executions are sent',
  ),
  dtbp_check: of(Joi.string().valid(...CHECKS), 'Of margin accounts; kept, and without effect'),
  pdt_check: of(Joi.string().valid(...CHECKS), 'Of margin accounts; kept, and without effect'),
  max_margin_multiplier: of(Joi.string().valid('1'), 'Cash accounts only: nothing is lent'),
  max_options_trading_level: of(Joi.valid(0, null), 'There are no options'),
  ptp_no_exception_entry: of(Joi.boolean().strict(), 'No such assets are listed; kept'),
  disable_overnight_trading: of(Joi.boolean().strict(), 'There is no overnight session; kept'),
};

export const configurationsSchema = answerSchema('AccountConfigurations', members);

const { max_options_trading_level: optionsLevel, ...others } = members;
const unchanged = Object.entries(others).map(([name, member]) => [name, orAbsent(member)]);

/** What is null or an empty text stays as it is; the one that may be null becomes null. */
export const changeConfigurationsSchema = Joi.object({
  ...(Object.fromEntries(unchanged) as typeof others),
  max_options_trading_level: optionsLevel,
  max_margin_multiplier: orAbsent(
    of(
      Joi.valid('1', 1),
      'Cash accounts only: nothing is lent. A text or a number; kept as a text',
    ),
  ),
}).label('ChangeConfigurations');

const tag = 'Account and positions';
const CONFIGURATIONS = { description: 'All settings', schema: configurationsSchema };

export const configurationOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v2/account/configurations',
    tag,
    access: 'read',
    account: true,
    summary: "Your account's settings",
    responses: { 200: CONFIGURATIONS },
  },
  {
    method: 'patch',
    path: '/v2/account/configurations',
    tag,
    access: 'trade',
    account: true,
    summary: "Change some of your account's settings",
    body: changeConfigurationsSchema,
    responses: { 200: CONFIGURATIONS },
  },
];
