import { systemActor } from '../../src/audit/record.js';
import type { Database } from '../../src/db.js';
import { createSealer } from '../../src/identity/sealer.js';
import { createEndpoint } from '../../src/webhooks/service.js';

/** A webhook to a receiver on this machine, for each of the accounts. @param secretsKey the instance's */
export async function addEndpoints(
  { knex }: Database,
  accountIds: readonly string[],
  url: string,
  secretsKey: string,
): Promise<void> {
  const rules = { allowHttp: true, allowPrivate: true, secretOverlapMs: 0 };
  const deps = { knex, sealer: createSealer(secretsKey), rules };
  const owners: { accountId: string; clientId: string }[] = await knex('accounts')
    .whereIn('id', accountIds)
    .select({ accountId: 'id', clientId: 'client_id' });
  for (const owner of owners) {
    const caller = { ...owner, by: systemActor('bench') };
    await createEndpoint(deps, caller, { url, events: ['*'], description: '' });
  }
}
