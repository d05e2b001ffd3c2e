import { Counter, Gauge, Histogram } from 'prom-client';
import { SharedGauge } from './shared-gauge.js';

/** The product's own metrics, by the path of an order. HTTP's are in `http/http-metrics.ts`. */

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

// Intake
export const ordersAccepted = new Counter({
  name: 'brokerx_orders_accepted_total',
  help: 'Orders persisted with their hold and acknowledged',
  labelNames: ['side', 'type'],
});
export const ordersRejected = new Counter({
  name: 'brokerx_orders_rejected_total',
  help: 'Orders refused before anything was held',
  labelNames: ['reason'],
});
export const cancelsAccepted = new Counter({
  name: 'brokerx_cancels_accepted_total',
  help: 'Cancellations put into the sequence',
});
export const replacementsAccepted = new Counter({
  name: 'brokerx_replacements_accepted_total',
  help: 'Replacements put into the sequence',
});
export const intakeBatchSize = new Histogram({
  name: 'brokerx_intake_batch_size',
  help: 'Orders and cancellations persisted by one commit',
  buckets: COUNTS,
});
export const intakeDuration = new Histogram({
  name: 'brokerx_intake_transaction_seconds',
  help: 'Time of one intake transaction',
  buckets: SECONDS,
});
export const nudgeFailures = new Counter({
  name: 'brokerx_nudge_failures_total',
  help: 'Jobs that could not be added to Redis; the sweeper makes up for them',
  labelNames: ['queue'],
});

// Execution
export const ordersExecuted = new Counter({
  name: 'brokerx_orders_executed_total',
  help: 'Work items taken off the list and settled, by what became of them',
  labelNames: ['outcome'],
});
export const tradesExecuted = new Counter({
  name: 'brokerx_trades_total',
  help: 'Trades settled',
});
export const tradedValue = new Counter({
  name: 'brokerx_traded_value_dollars_total',
  help: 'Value of the trades settled, in US dollars',
});
export const executionBatchSize = new Histogram({
  name: 'brokerx_execution_batch_size',
  help: 'Work items settled by one commit',
  buckets: COUNTS,
});
export const executionDuration = new Histogram({
  name: 'brokerx_execution_transaction_seconds',
  help: 'Time of one match-and-settle transaction',
  buckets: SECONDS,
});
export const workWait = new Histogram({
  name: 'brokerx_work_wait_seconds',
  help: 'Time from acceptance to the start of the settling transaction',
  buckets: SECONDS,
});
export const staleFences = new Counter({
  name: 'brokerx_stale_fence_refusals_total',
  help: 'Settlements refused because the shard was given to another worker meanwhile',
});
export const oldestWaitingWork = new SharedGauge(
  {
    name: 'brokerx_oldest_waiting_work_seconds',
    help: 'Age of the oldest accepted order or cancellation that is not settled',
  },
  30_000,
);
export const waitingWork = new SharedGauge(
  {
    name: 'brokerx_waiting_work_items',
    help: 'Accepted orders and cancellations that are not settled',
  },
  30_000,
);

// Controls
export const killSwitchActive = new SharedGauge(
  {
    name: 'brokerx_kill_switch_active',
    help: 'Kill switches that are on: 1 for the global one, and the number of accounts with their own',
    labelNames: ['scope'],
  },
  30_000,
);

// Queues
export const jobWait = new Histogram({
  name: 'brokerx_job_wait_seconds',
  help: 'Time a job waited in its queue',
  labelNames: ['queue'],
  buckets: SECONDS,
});
export const jobDuration = new Histogram({
  name: 'brokerx_job_run_seconds',
  help: 'Time a job ran',
  labelNames: ['queue', 'status'],
  buckets: SECONDS,
});
export const jobsStalled = new Counter({
  name: 'brokerx_jobs_stalled_total',
  help: 'Jobs whose worker lost their lock',
  labelNames: ['queue'],
});
export const jobsInQueue = new SharedGauge(
  {
    name: 'brokerx_queue_jobs',
    help: 'Jobs in a queue, by state',
    labelNames: ['queue', 'state'],
  },
  30_000,
);

// Afterwards
export const notificationsQueued = new Counter({
  name: 'brokerx_notifications_queued_total',
  help: 'Deliveries that were asked for, by channel: email, in_app, webhook',
  labelNames: ['channel'],
});
export const notificationsSent = new Counter({
  name: 'brokerx_notifications_sent_total',
  help: 'Deliveries that were done, by channel',
  labelNames: ['channel'],
});
export const notificationsFailed = new Counter({
  name: 'brokerx_notifications_failed_total',
  help: 'Attempts that failed, by channel and reason',
  labelNames: ['channel', 'reason'],
});
export const oldestNotification = new SharedGauge(
  {
    name: 'brokerx_oldest_undelivered_notification_seconds',
    help: 'Age of the oldest fact that is still to be delivered by a channel',
    labelNames: ['channel'],
  },
  30_000,
);
export const deadNotifications = new SharedGauge(
  {
    name: 'brokerx_dead_notifications',
    help: 'Deliveries that were given up and wait for somebody to look, by channel',
    labelNames: ['channel'],
  },
  30_000,
);
export const notificationLatency = new Histogram({
  name: 'brokerx_notification_latency_seconds',
  help: 'Time from a fact to its delivery, by channel',
  labelNames: ['channel'],
  buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 300, 1_800, 7_200, 86_400],
});
export const eventLag = new Histogram({
  name: 'brokerx_event_lag_seconds',
  help: "Time from an order's acceptance to the commit of the events of its execution",
  buckets: SECONDS,
});
// Streams
export const openStreams = new Gauge({
  name: 'brokerx_open_streams',
  help: 'Connections that receive events, by kind',
  labelNames: ['kind'],
});
export const streamEventsSent = new Counter({
  name: 'brokerx_stream_events_sent_total',
  help: 'Events written to a connection, by kind',
  labelNames: ['kind'],
});
export const streamsEnded = new Counter({
  name: 'brokerx_streams_ended_total',
  help: 'Streams that we ended, by kind and reason; slow: the client did not keep up',
  labelNames: ['kind', 'reason'],
});
export const streamLag = new Histogram({
  name: 'brokerx_stream_lag_seconds',
  help: 'Time from an event to the moment it is sent to a client that is up to date',
  buckets: SECONDS,
});

export const cacheRequests = new Counter({
  name: 'brokerx_cache_requests_total',
  help: 'Reads of in-process and Redis caches, by result',
  labelNames: ['cache', 'result'],
});
export const cacheNotModified = new Counter({
  name: 'brokerx_cache_not_modified_total',
  help: 'Answers without a body: the caller had it already (304)',
  labelNames: ['cache'],
});
export const cacheErrors = new Counter({
  name: 'brokerx_cache_errors_total',
  help: 'Reads and writes of the cache in Redis that failed; the route answered instead',
  labelNames: ['cache'],
});
export const ledgerMismatches = new SharedGauge(
  {
    name: 'brokerx_ledger_mismatches',
    help: 'Assets whose postings do not sum to zero, and balances that differ from their postings',
  },
  180_000,
);
export const ledgerProofDuration = new Histogram({
  name: 'brokerx_ledger_proof_seconds',
  help: 'Time of one proof of the ledger',
  buckets: SECONDS,
});
export const ledgerProvedAt = new Gauge({
  name: 'brokerx_ledger_proof_timestamp_seconds',
  help: 'When the last scheduled proof that came to an end was begun; 0 before the first',
  aggregator: 'max',
});

// Market
export const bookFaults = new SharedGauge(
  {
    name: 'brokerx_book_faults',
    help: 'Assets whose book was crossed or mismatched with its orders at the last check',
    labelNames: ['kind'],
  },
  120_000,
);

export const bandLimitStates = new Counter({
  name: 'brokerx_price_band_limit_states_total',
  help: 'Times that the market began to press against a price band, by direction',
  labelNames: ['direction'],
});
export const bandHalts = new Counter({
  name: 'brokerx_price_band_halts_total',
  help: 'Halts of assets that stayed at a price band, by direction',
  labelNames: ['direction'],
});

// End of day
export const lastEndOfDay = new Gauge({
  name: 'brokerx_end_of_day_close_timestamp_seconds',
  help: 'The close of the last trading day of which every account has its statement; 0: none yet',
  aggregator: 'max',
});
export const missedEndsOfDay = new SharedGauge(
  {
    name: 'brokerx_end_of_day_missed_days',
    help: 'Trading days that have closed and of which statements are still missing',
  },
  180_000,
);
export const statementsWritten = new Counter({
  name: 'brokerx_statements_total',
  help: 'Statements written',
});
export const endOfDayDuration = new Histogram({
  name: 'brokerx_end_of_day_batch_seconds',
  help: 'Time of one batch of statements: its reads and its insert',
  buckets: SECONDS,
});

// Processes
export const buildInfo = new Gauge({
  name: 'brokerx_build_info',
  help: 'Always 1; what runs: version, commit and node of a service',
  labelNames: ['service', 'version', 'commit', 'node'],
  aggregator: 'max',
});
export const workerRoles = new Gauge({
  name: 'brokerx_workers',
  help: 'Worker processes that are ready, by role',
  labelNames: ['role'],
});

// Scheduled upkeep
export const upkeepDoneAt = new Gauge({
  name: 'brokerx_upkeep_done_timestamp_seconds',
  help: 'When a scheduled job last came to an end without failing, or its worker began',
  labelNames: ['upkeep'],
  aggregator: 'max',
});
export const upkeepEvery = new Gauge({
  name: 'brokerx_upkeep_interval_seconds',
  help: 'How often a scheduled job is due',
  labelNames: ['upkeep'],
  aggregator: 'max',
});
