import Joi from 'joi';

/** The settings of deposits and withdrawals, and of the payment provider. */
export interface TransferConfig {
  /** Dollars, as text. */
  readonly transferMin: string;
  readonly transferMax: string;
  readonly depositDailyMax: string;
  readonly withdrawalDailyMax: string;
  readonly transfersPerHour: number;
  readonly failedDepositsMax: number;
  /** Signs what the payment provider tells us. */
  readonly paymentProviderSecret: string;
  /** Where the payment provider tells us. */
  readonly paymentCallbackUrl: string;
}

/** After validation: defaults filled in, numbers read. */
export interface TransferSettings {
  TRANSFER_MIN: string;
  TRANSFER_MAX: string;
  DEPOSIT_DAILY_MAX: string;
  WITHDRAWAL_DAILY_MAX: string;
  TRANSFERS_PER_HOUR: number;
  FAILED_DEPOSITS_MAX: number;
  PAYMENT_PROVIDER_SECRET: string;
  PAYMENT_CALLBACK_URL?: string;
}

const dollars = Joi.string().pattern(/^[1-9]\d{0,11}$/);
const count = Joi.number().integer().min(1).max(100_000);

/** @param developmentSecret what signs callbacks where nothing is set; production refuses it */
export const transferSettings = (
  developmentSecret: string,
): Joi.StrictSchemaMap<TransferSettings> => ({
  TRANSFER_MIN: dollars.default('1'),
  TRANSFER_MAX: dollars.default('50000'),
  DEPOSIT_DAILY_MAX: dollars.default('100000'),
  WITHDRAWAL_DAILY_MAX: dollars.default('100000'),
  TRANSFERS_PER_HOUR: count.default(10),
  FAILED_DEPOSITS_MAX: count.default(3),
  PAYMENT_PROVIDER_SECRET: Joi.string().min(32).default(developmentSecret),
  PAYMENT_CALLBACK_URL: Joi.string().uri({ scheme: ['http', 'https'] }),
});

/** @param port where this machine's API listens, for a provider on the same machine */
export const transferConfigOf = (value: TransferSettings, port: number): TransferConfig => ({
  transferMin: value.TRANSFER_MIN,
  transferMax: value.TRANSFER_MAX,
  depositDailyMax: value.DEPOSIT_DAILY_MAX,
  withdrawalDailyMax: value.WITHDRAWAL_DAILY_MAX,
  transfersPerHour: value.TRANSFERS_PER_HOUR,
  failedDepositsMax: value.FAILED_DEPOSITS_MAX,
  paymentProviderSecret: value.PAYMENT_PROVIDER_SECRET,
  paymentCallbackUrl:
    value.PAYMENT_CALLBACK_URL ?? `http://127.0.0.1:${port}/v2/payment_provider/callbacks`,
});
