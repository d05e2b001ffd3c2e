import { readFileSync } from 'node:fs';

/** Settings that are never shown, and that may be kept in a file: `JWT_SECRET_FILE=/run/secrets/jwt`. */
export const SECRET_SETTINGS: ReadonlySet<string> = new Set([
  'JWT_SECRET',
  'SECRETS_KEY',
  'PAYMENT_PROVIDER_SECRET',
  'DATABASE_URL',
  'DATABASE_PASSWORD',
  'REDIS_URL',
  'CACHE_REDIS_URL',
  'SMTP_URL',
]);

/** Passwords that examples and images use, and so everybody knows. */
const KNOWN_PASSWORDS: ReadonlySet<string> = new Set(['brokerx', 'password', 'postgres']);

/**
 * Puts what the files hold into the environment, as if it had been there: a container gets its secrets
 * as files, which neither `docker inspect` nor a child process of others shows. A process that we start
 * inherits the value alone.
 * @throws Error when a setting and its file are both given, or the file cannot be read
 */
export function readSecretFiles(env: NodeJS.ProcessEnv): void {
  for (const name of SECRET_SETTINGS) {
    const file = env[`${name}_FILE`];
    if (file === undefined) continue;
    Reflect.deleteProperty(env, `${name}_FILE`);
    if (file === '') continue;
    if (env[name]) throw new Error(`${name} and ${name}_FILE are both set: allowed is one of them`);
    env[name] = contentOf(`${name}_FILE`, file);
  }
  putPasswordIntoUrl(env);
}

function contentOf(setting: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${setting} was "${file}": ${(error as Error).message}`, { cause: error });
  }
  const content = text.replace(/\r?\n$/, ''); // editors and echo end a file with one
  if (content !== '') return content;
  throw new Error(`${setting} was "${file}": the file is empty`);
}

/** A password may hold what means something in a URL, so it can be given beside it. */
function putPasswordIntoUrl(env: NodeJS.ProcessEnv): void {
  const { DATABASE_URL: text, DATABASE_PASSWORD: password } = env;
  delete env['DATABASE_PASSWORD'];
  if (!password || !text || !URL.canParse(text)) return; // a bad URL is told of with the others
  const url = new URL(text);
  if (url.password !== '') {
    throw new Error('DATABASE_PASSWORD is set, but DATABASE_URL has a password already');
  }
  url.password = encodeURIComponent(password); // also what the URL's own rules would leave as it is
  env['DATABASE_URL'] = url.href;
}

/** @throws Error when the database's password is one of an example */
export function refuseKnownPassword(databaseUrl: string): void {
  const password = decodeURIComponent(new URL(databaseUrl).password);
  if (!KNOWN_PASSWORDS.has(password)) return;
  throw new Error(
    `DATABASE_URL has the password "${password}", which everybody knows; production needs another`,
  );
}
