import { submitTransfers } from '../../src/funding/submit-transfers.js';
import type { Api } from './api.js';
import { fundingClient, transferDeps } from './funding.js';
import { paymentEvent, postEvent } from './payment-events.js';
import type { Trading } from './trading.js';

/** What the guide's chapter on transfers begins with: one that has settled, one in dispute, and one that waits. */
export async function addGuideTransfers(
  trading: Trading,
  api: Api,
): Promise<Record<string, string>> {
  const client = await fundingClient(trading, api, 0);
  const settled = (await client.transfer('INCOMING', '100')).body.id as string;
  await submitTransfers(transferDeps(trading));
  await postEvent(trading, api, paymentEvent(settled, 'payment.settled'));
  const disputed = (await client.transfer('INCOMING', '20')).body.id as string;
  await submitTransfers(transferDeps(trading));
  const about = { amount: '20' };
  await postEvent(trading, api, paymentEvent(disputed, 'payment.settled', about));
  const late = { ...about, sequence: 2 };
  await postEvent(trading, api, paymentEvent(disputed, 'payment.failed', late));
  const queued = (await client.transfer('INCOMING', '5')).body.id as string;
  const old = await api.call('POST', '/v2/bank_accounts', {
    headers: client.session,
    body: {
      account_owner_name: 'Seeded Trader',
      bank_routing_number: '011401533',
      bank_account_number: '1111222233330000',
    },
  });
  return {
    STEPPED_UP: `Authorization: ${client.session.Authorization}`,
    BANK_ACCOUNT_ID: client.bankAccountId,
    OLD_BANK_ACCOUNT_ID: old.body.id as string,
    TRANSFER_ID: settled,
    DISPUTED_TRANSFER_ID: disputed,
    QUEUED_TRANSFER_ID: queued,
  };
}
