import { ACCOUNT_MESSAGES } from './account-messages.js';
import { asMessage, type Template } from './mail-template.js';
import { plain } from './said.js';

/** Mails about what compliance decided about a sign-up. */
export const REVIEW_MAILS = {
  kyc_approved: {
    ...asMessage(ACCOUNT_MESSAGES['account.activated'], () => ({ at: '', reason: null })),
    facts: ({ account_number }) => [plain('account', account_number!)],
  },
  kyc_rejected: asMessage(ACCOUNT_MESSAGES['account.rejected'], ({ reason }) => ({
    at: '',
    reason: reason!,
  })),
} as const satisfies Readonly<Record<string, Template>>;
