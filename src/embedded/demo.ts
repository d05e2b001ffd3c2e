import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Somebody who can log in and trade. */
export interface DemoClient {
  readonly email: string;
  readonly password: string;
  readonly account_id: string;
  readonly key_id: string;
  readonly secret_key: string;
}

/** What a person or a script needs to use the running instance; the content of `demo.json`. */
export interface Demo {
  readonly url: string;
  readonly pid: number;
  readonly database_url: string;
  readonly redis_url: string;
  readonly clients: readonly DemoClient[];
  readonly admin: Omit<DemoClient, 'account_id'>;
  /** An ops, a compliance and a second admin, who decides about what the first one asks for. */
  readonly staff: readonly (Omit<DemoClient, 'account_id'> & { readonly role: string })[];
}

const demoFile = (dataDir: string): string => join(dataDir, 'demo.json');

/** Replaces `demo.json` in one step: a reader sees the old one or the new one, never half. */
export function writeDemoFile(dataDir: string, demo: Demo): void {
  const unfinished = `${demoFile(dataDir)}.unfinished`;
  rmSync(unfinished, { force: true }); // or its mode would stay as it was
  writeFileSync(unfinished, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, demoFile(dataDir));
}

/** Nobody should use the credentials and addresses of an instance that is gone. */
export function removeDemoFile(dataDir: string): void {
  rmSync(demoFile(dataDir), { force: true });
}

/**
 * The text that `npm start` ends with: where everything is, and a first order to try.
 * @param showsOutbox whether mails can be read there
 */
export function banner(demo: Demo, dataDir: string, showsOutbox: boolean): string {
  const { url, clients, admin, staff } = demo;
  const logins = clients.map((client) => `  ${client.email.padEnd(28)} ${client.password}`);
  return [
    '',
    'BrokerX+ is ready.',
    '',
    `  API             ${url}/v2`,
    `  API documents   ${url}/docs`,
    `  Queues          ${url}/admin/queues (as the admin)`,
    `  Metrics         ${url}/metrics`,
    ...(showsOutbox ? [`  Mails           ${url}/dev/outbox`] : []),
    `  Postgres, Redis, all credentials: ${demoFile(dataDir)}`,
    `  Logs            ${join(dataDir, 'logs')}`,
    '',
    'Demo clients (e-mail, password):',
    ...logins,
    'Admin:',
    `  ${admin.email.padEnd(28)} ${admin.password}`,
    `  Also ${staff.map(({ email }) => email.split('@')[0]).join(', ')}: see staff in demo.json`,
    '',
    'Buy a share:',
    ...firstOrder(demo),
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
}

function firstOrder({ url, clients: [client] }: Demo): string[] {
  if (client === undefined) return [];
  return [
    `  curl -s ${url}/v2/orders \\`,
    `    -H 'APCA-API-KEY-ID: ${client.key_id}' \\`,
    `    -H 'APCA-API-SECRET-KEY: ${client.secret_key}' \\`,
    `    -H 'Content-Type: application/json' \\`,
    `    -d '{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}'`,
  ];
}
