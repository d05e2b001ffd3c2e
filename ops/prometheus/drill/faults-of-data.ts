import { randomUUID } from 'node:crypto';
import { mkdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PaymentEvent } from '../../../src/payment-provider/instructions.js';
import { again, type Fault, type Stage } from './stage.js';

/** Faults of what is kept in the database: edited, missing, too old, locked or forbidden. */

const ACCOUNT = `(select account_id from api_keys order by created_at limit 1)`;
const nothing = (): void => undefined;

/** Takes a right away from the role that the processes work as. */
async function forbid(stage: Stage, right: string, table: string): Promise<() => Promise<void>> {
  await stage.sql(`revoke ${right} on ${table} from brokerx_app`);
  return async () => {
    await stage.sql(`grant ${right} on ${table} to brokerx_app`);
  };
}

export const FAULTS_OF_DATA: readonly Fault[] = [
  {
    what: 'the last backups are days old, and two have failed',
    alerts: ['BackupTooOld', 'WalArchiveStands', 'BackupFails'],
    withinS: 260, // for three minutes a worker may tell what it has read before
    async cause({ sql }) {
      await sql(
        `update backup_status set last_success_at = now() - interval '3 days', failures = 2`,
      );
      return async () => {
        await sql(`update backup_status set last_success_at = now(), failures = 0`);
      };
    },
  },
  {
    what: 'a balance is edited',
    alerts: ['LedgerOff'],
    withinS: 150,
    async cause({ sql }) {
      await sql(`update accounts set cash = cash + 10000 where id = ${ACCOUNT}`);
      return async () => {
        await sql(`update accounts set cash = cash - 10000 where id = ${ACCOUNT}`);
      };
    },
  },
  {
    what: 'the links of the audit log are edited',
    alerts: ['AuditChainBroken'],
    withinS: 90,
    async cause({ sql, call }) {
      // An act, or there might be nothing to edit.
      await call('PUT', '/v2/notifications/preferences', { language: 'en' });
      // All of them: one that no anchor names yet, and that others follow, is found by the verification only.
      const edit = `alter table audit_chain disable trigger user;
        update audit_chain set hash = sha256(hash);
        alter table audit_chain enable trigger user`;
      await sql(edit);
      return nothing; // what was tampered with stays so
    },
  },
  {
    what: 'an order rests with another quantity than it has',
    alerts: ['BookFault'],
    withinS: 120,
    cause({ sql }) {
      const asset = `(select id from assets where symbol = 'KO')`;
      const edit = again(1_000, () =>
        sql(`update book_orders set remaining = remaining + 1 where asset_id = ${asset}`),
      );
      return Promise.resolve(async () => {
        await edit();
        await sql(`update book_orders b set remaining = o.qty - o.filled_qty from orders o
          where o.id = b.order_id and b.asset_id = ${asset}`);
      });
    },
  },
  {
    what: 'the kill switch of an account, then that of all, is turned on',
    alerts: ['AccountKillSwitchOn', 'KillSwitchOn'],
    withinS: 150,
    async cause({ sql }) {
      const kill = (scope: string, target: string) => `
        insert into trading_blocks (id, kind, scope, target, reason, created_at)
        values ('${randomUUID()}', 'kill', '${scope}', ${target}, 'drill', now())`;
      await sql(kill('account', ACCOUNT));
      const later = setTimeout(() => void sql(kill('global', 'null')), 70_000);
      return async () => {
        clearTimeout(later);
        await sql(`delete from trading_blocks where kind = 'kill'`);
      };
    },
  },
  {
    what: 'mails were given up, a webhook has failed for hours',
    alerts: ['DeadNotifications', 'WebhooksDead'],
    withinS: 150,
    async cause({ sql }) {
      await sql(`update message_deliveries set dead_at = now() where message_id in (
        select message_id from message_deliveries where delivered_at is null limit 2)`);
      const age = again(2_000, () =>
        sql(`update webhook_endpoints set due_at = now(),
            head_failing_since = head_failing_since - interval '100 hours'
          where head_failing_since > now() - interval '10 hours'`),
      );
      return async () => {
        await age();
        await sql(`update message_deliveries set dead_at = null where delivered_at is null`);
      };
    },
  },
  {
    what: 'somebody forges callbacks of the payment provider',
    alerts: ['CallbacksRefused'],
    withinS: 60,
    cause: ({ call }) =>
      Promise.resolve(
        again(500, () => call('POST', '/v2/payment_provider/callbacks', { id: 'forged' })),
      ),
  },
];

/** What the payment provider must not say of a deposit of ten dollars. */
const settledForLess = (reference: string): PaymentEvent => ({
  id: randomUUID(),
  type: 'payment.settled',
  sequence: 1,
  created_at: new Date().toISOString(),
  payment: { id: randomUUID(), reference, direction: 'incoming', amount: '1.00', currency: 'USD' },
  reason: null,
});

/** Before the kill switch is on. */
export const FAULTS_OF_PARTNERS: readonly Fault[] = [
  {
    what: 'a transfer is two hours old and disputed, a route to the venue open and disputed',
    alerts: ['TransfersStuck', 'TransferDisputes', 'VenueRoutesStuck', 'VenueDisputes'],
    withinS: 120,
    async cause({ sql, call, pid, sayAsProvider }) {
      process.kill(pid('payments'), 'SIGSTOP');
      const order = { symbol: 'DIS', qty: '1', side: 'buy', type: 'limit', time_in_force: 'ioc' };
      // DIS goes to the venue, and below the house's quotes nobody here sells.
      const buy = again(1_000, () => call('POST', '/v2/orders', { ...order, limit_price: '80' }));
      const { rows } = await sql('select id from bank_accounts order by random() limit 1');
      const deposit = { direction: 'INCOMING', amount: '10.00', bank_account_id: rows[0]?.['id'] };
      const pay = again(1_000, () => call('POST', '/v2/transfers', deposit)); // until its owner's turn
      const age = again(2_000, async () => {
        await sql(`update transfers set created_at = created_at - interval '2 hours'
          where status in ('queued', 'sent') and created_at > now() - interval '1 hour'`);
        await sql(`update venue_routes set disputed = true, created_at = now() - interval '5 minutes'
          where status = 'open'`);
        const { rows } = await sql(`select id from transfers where status = 'sent' limit 1`);
        if (rows[0]) await sayAsProvider(settledForLess(rows[0]['id'] as string));
      });
      return async () => {
        await buy();
        await pay();
        await age();
        process.kill(pid('payments'), 'SIGCONT');
        await sql(`update venue_routes set disputed = false where disputed`);
        // The transfers stay so: what the provider says now is in a place that is taken.
      };
    },
  },
];

/** These take long, and go on beside the others. */
export const SLOW_FAULTS_OF_DATA: readonly Fault[] = [
  {
    what: 'statements cannot be written, and a day has closed',
    alerts: ['EndOfDayMissed'],
    withinS: 600,
    async cause(stage) {
      await stage.sql(`update accounts set created_at = created_at - interval '2 days'`);
      return forbid(stage, 'insert', 'statements');
    },
  },
  {
    what: 'postings cannot be read',
    alerts: ['LedgerProofMissing'],
    withinS: 500,
    cause: (stage) => forbid(stage, 'select', 'postings'),
  },
];

export const FAULTS_OF_RIGHTS: readonly Fault[] = [
  {
    what: 'a table of the API and one of the upkeep cannot be read',
    alerts: ['ApiErrorBudgetBurnsFast', 'PostgresErrors', 'JobsFail', 'UpkeepOverdue'],
    withinS: 150,
    async cause(stage) {
      const allow = [
        await forbid(stage, 'select', 'watchlists'),
        await forbid(stage, 'select', 'venue_routes'),
      ];
      const stop = again(50, () => stage.call('GET', '/v2/watchlists'));
      return async () => {
        await stop();
        for (const undo of allow) await undo();
      };
    },
  },
  {
    what: 'one request in two hundred fails: too few for the fast burn',
    alerts: ['ApiErrorBudgetBurnsSlow'],
    withinS: 300,
    async cause(stage) {
      const allow = await forbid(stage, 'select', 'watchlists');
      const stop = again(9_000, () => stage.call('GET', '/v2/watchlists'));
      return async () => {
        await stop();
        await allow();
      };
    },
  },
];

/** Long, and beside the others: it locks nothing. */
export const LONG_TRANSACTION: Fault = {
  what: 'somebody has begun a transaction in psql, and gone home',
  alerts: ['PostgresLongTransaction'],
  withinS: 300,
  cause: ({ hold }) => hold('select txid_current()'),
};

/** Late: the faults before it want both workers and the anchors. */
export const UNVERIFIABLE_LOG: Fault = {
  what: 'the workers crash, and find the file of audit anchors unreadable',
  alerts: ['AuditNotVerified'],
  withinS: 150,
  async cause({ instance, pid }) {
    const anchors = join(instance.dataDir, 'audit-anchors.jsonl');
    await rename(anchors, `${anchors}.kept`);
    await mkdir(anchors); // not just gone: then a new file would begin
    // Those that have verified it remember when; what starts anew has yet to do it.
    for (const name of ['worker-1', 'worker-2']) process.kill(pid(name), 'SIGKILL');
    return async () => {
      await rmdir(anchors);
      await rename(`${anchors}.kept`, anchors);
    };
  },
};
