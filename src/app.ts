import Router from '@koa/router';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import Koa from 'koa';
import { accountsRouter } from './accounts/routes.js';
import { closeOperations } from './accounts/close-schema.js';
import { accountOperations } from './accounts/schema.js';
import { activitiesRouter } from './activities/routes.js';
import { activityOperations } from './activities/schema.js';
import { adjustmentsRouter } from './admin/adjustments/routes.js';
import { adjustmentOperations } from './admin/adjustments/schema.js';
import { bullBoard } from './admin/bull-board.js';
import { clientAdminRouter } from './admin/clients/routes.js';
import { clientAdminOperations } from './admin/clients/schema.js';
import { staffRouter } from './admin/staff-members/routes.js';
import { staffOperations } from './admin/staff-members/schema.js';
import { apiKeysRouter } from './api-keys/routes.js';
import { apiKeyOperations } from './api-keys/schema.js';
import { knownKinds } from './approvals/known-kinds.js';
import { approvalsRouter } from './approvals/routes.js';
import { approvalOperations } from './approvals/schema.js';
import { Approvals } from './approvals/service.js';
import type { AssetCatalog } from './assets/catalog.js';
import { assetsRouter } from './assets/routes.js';
import { assetOperations } from './assets/schema.js';
import { unlistedOperations, unlistedRouter } from './assets/unlisted-routes.js';
import { credentialOperations } from './clients/credential-docs.js';
import { emailRouter, passwordsRouter } from './clients/credential-routes.js';
import { clientOperations } from './clients/docs.js';
import { documentsRouter } from './clients/document-routes.js';
import { pagesRouter } from './clients/page-routes.js';
import { reviewOperations } from './clients/review-docs.js';
import { reviewsRouter } from './clients/review-routes.js';
import { clientsRouter } from './clients/routes.js';
import { auditRouter } from './audit/routes.js';
import { auditOperations } from './audit/schema.js';
import type { Config } from './config.js';
import { configurationsRouter } from './configurations/routes.js';
import { configurationOperations } from './configurations/schema.js';
import type { Database } from './db.js';
import { bankAccountsRouter } from './funding/bank-account-routes.js';
import { bankAccountOperations } from './funding/bank-account-schema.js';
import { callbacksRouter } from './funding/callback-routes.js';
import { transferOperations } from './funding/docs.js';
import { staffTransfersRouter } from './funding/staff-routes.js';
import { transferLimits, type TransferLimitSettings } from './funding/transfer-limits.js';
import { transfersRouter } from './funding/transfer-routes.js';
import { logRequests } from './http/access-log.js';
import { trustProxies } from './http/client-address.js';
import { allowOrigins } from './http/cors.js';
import { docsOperations, docsRouter } from './http/docs.js';
import { answerErrors } from './http/error-handler.js';
import type { Guards } from './http/guards.js';
import { healthOperations, healthRouter } from './http/health.js';
import { measureRequests } from './http/http-metrics.js';
import { metricsOperations, metricsRouter } from './http/metrics-routes.js';
import { buildOpenApi } from './http/openapi.js';
import type { Operation } from './http/operation.js';
import { requestId } from './http/request-id.js';
import { securityHeaders } from './http/security-headers.js';
import { traceRequests } from './http/trace-requests.js';
import type { Identity } from './identity/identity.js';
import { OneTimeCodes } from './identity/one-time-codes.js';
import type { Sealer } from './identity/sealer.js';
import { ledgerOperations } from './ledger/docs.js';
import type { LedgerProver } from './ledger/proof.js';
import { ledgerRouter } from './ledger/routes.js';
import type { Logger } from './log.js';
import { bandRouter } from './market/band-routes.js';
import { bandOperations } from './market/band-schema.js';
import { bookRouter } from './market/book-routes.js';
import { bookOperations } from './market/book-schema.js';
import { barsRouter } from './market/bars-routes.js';
import { barOperations } from './market/bars-schema.js';
import { calendarRouter } from './market/calendar-routes.js';
import { calendarOperations } from './market/calendar-schema.js';
import { clockOperations, clockRouter } from './market/clock-routes.js';
import { snapshotOperations, snapshotsRouter } from './market/snapshot-routes.js';
import { tradesRouter } from './market/trades-routes.js';
import { tradeOperations } from './market/trades-schema.js';
import { mfaRouter } from './mfa/routes.js';
import { mfaOperations } from './mfa/schema.js';
import { outboxRouter, showsOutbox } from './notifications/outbox-routes.js';
import { deadLettersRouter } from './notifications/dead-routes.js';
import { deadLetterOperations } from './notifications/dead-schema.js';
import { notificationsRouter } from './notifications/routes.js';
import { notificationOperations } from './notifications/schema.js';
import { orderOperations } from './orders/docs.js';
import type { Intake } from './orders/intake.js';
import { ordersRouter } from './orders/routes.js';
import { timelineOperations, timelineRouter } from './orders/timeline-routes.js';
import { portfolioRouter } from './portfolio/routes.js';
import { portfolioOperations } from './portfolio/schema.js';
import { bandWidthRouter } from './risk/band-routes.js';
import { blocksRouter } from './risk/block-routes.js';
import { riskOperations } from './risk/docs.js';
import { limitsRouter } from './risk/limit-routes.js';
import { defaultLimits, type LimitSettings } from './risk/limits.js';
import { sessionOperations } from './sessions/docs.js';
import { sessionsRouter } from './sessions/routes.js';
import { statementsRouter } from './statements/routes.js';
import { statementOperations } from './statements/schema.js';
import { marketStreamOperations, marketStreamRouter } from './streams/market-routes.js';
import { eventsRouter } from './streams/routes.js';
import { eventOperations } from './streams/schema.js';
import type { Streams } from './streams/streams.js';
import { caseOperations } from './surveillance/case-docs.js';
import { casesRouter } from './surveillance/case-routes.js';
import { isTracing } from './tracing/spans.js';
import { venueOperations } from './venue/docs.js';
import { venueRouter } from './venue/routes.js';
import { watchlistsRouter } from './watchlists/routes.js';
import { watchlistOperations } from './watchlists/schema.js';
import type { Resolve } from './webhooks/addresses.js';
import { webhookOperations } from './webhooks/docs.js';
import { webhooksRouter } from './webhooks/routes.js';

/** What the API is made of. */
export interface AppDeps {
  readonly config: Pick<
    Config,
    | 'nodeEnv'
    | 'smtpUrl'
    | 'dataDir'
    | 'rateLimitPerMin'
    | 'corsOrigins'
    | 'marketHours'
    | 'webauthn'
    | 'publicUrl'
    | 'paymentProviderSecret'
    | 'webhooks'
    | 'trustedProxies'
  > &
    LimitSettings &
    TransferLimitSettings;
  readonly log: Logger;
  readonly db: Database;
  readonly catalog: AssetCatalog;
  readonly redis: Redis;
  readonly intake: Intake;
  readonly prover: LedgerProver;
  /** Told which shards have new work. Must neither wait nor throw. */
  readonly nudge: (shards: readonly number[]) => void;
  /** Told that there are mails to send. Must neither wait nor throw. */
  readonly nudgeNotifications: () => void;
  /** Told that there are transfers to send. Must neither wait nor throw. */
  readonly nudgeTransfers: () => void;
  /** Told that there may be something for these endpoints. Must neither wait nor throw. */
  readonly nudgeWebhooks: (endpointIds: readonly string[]) => void;
  /** Finds the addresses of a webhook's host; DNS unless given. */
  readonly resolve?: Resolve | undefined;
  readonly sealer: Sealer;
  readonly identity: Identity;
  readonly streams: Streams;
  /** Shown on Bull Board. */
  readonly queues: readonly Queue[];
  readonly now: () => Date;
  /** True once the process drains. */
  readonly isStopping: () => boolean;
}

const VERSION = '0.1.0';

/** Every operation of the API, for `/openapi.json`. */
export const operations: readonly Operation[] = [
  ...orderOperations,
  ...timelineOperations,
  ...accountOperations,
  ...closeOperations,
  ...configurationOperations,
  ...activityOperations,
  ...portfolioOperations,
  ...statementOperations,
  ...assetOperations,
  ...unlistedOperations,
  ...watchlistOperations,
  ...clockOperations,
  ...calendarOperations,
  ...bookOperations,
  ...bandOperations,
  ...snapshotOperations,
  ...marketStreamOperations,
  ...barOperations,
  ...tradeOperations,
  ...eventOperations,
  ...webhookOperations,
  ...notificationOperations,
  ...ledgerOperations,
  ...bankAccountOperations,
  ...transferOperations,
  ...sessionOperations,
  ...mfaOperations,
  ...apiKeyOperations,
  ...clientOperations,
  ...credentialOperations,
  ...reviewOperations,
  ...riskOperations,
  ...venueOperations,
  ...approvalOperations,
  ...adjustmentOperations,
  ...clientAdminOperations,
  ...staffOperations,
  ...auditOperations,
  ...caseOperations,
  ...deadLetterOperations,
  ...healthOperations,
  ...metricsOperations,
  ...docsOperations,
];

let document: string | undefined;

/** Built once a process, before it listens: it takes half a second. */
const openApiDocument = (): string =>
  (document ??= JSON.stringify(buildOpenApi(operations, VERSION)));

/** The Koa application, in the order in which a request passes through it. */
export function createApp(deps: AppDeps, guards: Guards): Koa {
  const { config, log, identity, queues } = deps;
  const router = createRouter(deps, guards);
  const app = new Koa();
  trustProxies(app, config.trustedProxies);

  app.use(requestId);
  if (isTracing()) app.use(traceRequests);
  app.use(measureRequests);
  app.use(logRequests(log));
  app.use(answerErrors);
  app.use(securityHeaders);
  for (const cors of allowOrigins(config.corsOrigins)) app.use(cors);
  app.use(bullBoard({ ...guards, queues, basicAuth: identity.basicAuth }));
  if (showsOutbox(config)) app.use(outboxRouter(config).routes());
  app.use(router.routes());
  app.use(router.allowedMethods()); // only asked about what no route took

  app.on('error', (error: Error) => {
    log.warn('an answer could not be finished', { error: error.message });
  });
  return app;
}

/** All routes; `authenticated` stands first wherever a route is not public. */
export function createRouter(deps: AppDeps, guards: Guards): Router {
  const { config, log, db, redis, intake, prover, identity, streams, nudge, now, isStopping } =
    deps;
  const { catalog, sealer, nudgeNotifications, nudgeTransfers, nudgeWebhooks, resolve } = deps;
  const { knex } = db;
  const { marketHours, publicUrl, webauthn: party, paymentProviderSecret, webhooks } = config;
  const { sessions, login, factors } = identity;
  const codes = new OneTimeCodes(sealer);
  const approvals = new Approvals({
    kinds: knownKinds({ codes, sealer, nudgeNotifications, now }),
    now,
  });
  const clients = { ...guards, knex, sealer, codes, publicUrl, nudgeNotifications, now };
  const routers = [
    ordersRouter({ ...guards, db, intake }),
    timelineRouter({ ...guards, knex }),
    accountsRouter({ ...guards, knex, intake, marketHours, now }),
    configurationsRouter({ ...guards, knex }),
    activitiesRouter({ ...guards, knex }),
    portfolioRouter({ ...guards, knex, marketHours, now }),
    statementsRouter({ ...guards, knex }),
    assetsRouter({ ...guards, knex }),
    unlistedRouter(guards),
    watchlistsRouter({ ...guards, knex }),
    clockRouter({ ...guards, marketHours, now }),
    calendarRouter({ ...guards, marketHours, now }),
    bookRouter({ ...guards, db, now }),
    bandRouter({ ...guards, knex }),
    snapshotsRouter({ ...guards, db, now }),
    marketStreamRouter({ ...guards, streams, catalog }),
    barsRouter({ ...guards, knex, marketHours, now }),
    tradesRouter({ ...guards, knex, marketHours, now }),
    eventsRouter({ ...guards, db, streams }),
    webhooksRouter({
      ...guards,
      knex,
      sealer,
      rules: webhooks,
      resolve,
      nudgeNotifications,
      nudgeWebhooks,
    }),
    notificationsRouter({ ...guards, knex, streams, now }),
    ledgerRouter({ ...guards, prover }),
    bankAccountsRouter({ ...guards, knex, sealer }),
    transfersRouter({ ...guards, knex, limits: transferLimits(config), nudgeTransfers, now }),
    staffTransfersRouter({ ...guards, knex, approvals, now }),
    callbacksRouter({ knex, log, nudgeNotifications, paymentProviderSecret, now }),
    sessionsRouter({ ...guards, knex, sessions, login, factors, now }),
    mfaRouter({ ...guards, knex, sealer, factors, party, nudgeNotifications, now }),
    apiKeysRouter({ ...guards, knex, nudgeNotifications }),
    clientsRouter(clients),
    documentsRouter(clients),
    passwordsRouter(clients),
    emailRouter(clients),
    reviewsRouter(clients),
    pagesRouter(clients),
    limitsRouter({ ...guards, knex, approvals, defaults: defaultLimits(config) }),
    blocksRouter({ ...guards, knex, log, nudge }),
    bandWidthRouter({ ...guards, knex }),
    venueRouter({ ...guards, knex, nudge, now }),
    approvalsRouter({ ...guards, knex, approvals }),
    adjustmentsRouter({ ...guards, knex, approvals }),
    clientAdminRouter({ ...guards, knex, log, nudge }),
    staffRouter({ ...guards, knex, approvals }),
    auditRouter({ ...guards, knex }),
    casesRouter({ ...guards, knex }),
    deadLettersRouter({ ...guards, knex, nudgeNotifications }),
    healthRouter({ db, redis, isStopping }),
    metricsRouter({ ...guards, redis }),
    docsRouter(openApiDocument()),
  ];
  const router = new Router(); // one for all, so that it knows every method of a path
  for (const { stack } of routers) router.stack.push(...stack);
  return router;
}
