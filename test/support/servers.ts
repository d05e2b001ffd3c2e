/** Where the tests find Postgres and Redis; `npm test` starts them and sets these. */
export interface TestServers {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Part of every name that this run creates on a server that others may share. */
  readonly run: string;
}

/** @throws Error that says how to run the tests */
export function testServers(): TestServers {
  const databaseUrl = process.env['BROKERX_TEST_DATABASE_URL'];
  const redisUrl = process.env['BROKERX_TEST_REDIS_URL'];
  if (!databaseUrl || !redisUrl) {
    throw new Error(
      'This test needs Postgres and Redis: run it as npm test -- <file>, ' +
        'or set BROKERX_TEST_DATABASE_URL and BROKERX_TEST_REDIS_URL',
    );
  }
  return { databaseUrl, redisUrl, run: process.env['BROKERX_TEST_RUN'] ?? `p${process.pid}` };
}

/** The shared database of the tests' Redis, for tests that keep nothing there. */
export const testRedisUrl = (): string => testServers().redisUrl;
