import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Joi from 'joi';
import type { Knex } from 'knex';
import { STAFF_ROLES, type NewMember } from '../admin/staff-members/model.js';
import { memberSchema } from '../admin/staff-members/schema.js';
import { createMember } from '../admin/staff-members/service.js';
import { systemActor } from '../audit/record.js';
import { loadDotEnv, readConfig } from '../config.js';
import { connectDatabase } from '../db.js';
import { OneTimeCodes, type IssuedCode } from '../identity/one-time-codes.js';
import { createSealer, type Sealer } from '../identity/sealer.js';
import { readInstance } from './running-instance.js';

const USAGE = `usage: npm run staff -- --email E --role ${STAFF_ROLES.join('|')} --name "First Last"`;

const optionsSchema = Joi.object<NewMember>(memberSchema);

/** @throws Error that says which option is wrong, and what it may be */
export function readStaffOptions(args: string[]): NewMember {
  const { values } = parseArgs({
    args,
    options: {
      email: { type: 'string', default: '' },
      role: { type: 'string', default: '' },
      name: { type: 'string', default: '' },
    },
  });
  const [first_name, ...rest] = values.name.trim().split(/\s+/);
  const result = optionsSchema.validate({
    email: values.email,
    role: values.role,
    first_name,
    last_name: rest.join(' '),
  });
  if (!result.error) return result.value;
  throw new Error(`${result.error.message.replace(/(first|last)_name/, 'name')}\n${USAGE}`);
}

/**
 * Takes on the first members of staff, of whom nobody could approve. It is in the audit log as the
 * operator's doing; afterwards two admins do it over HTTP.
 * @throws DomainError when the address is taken
 */
export async function takeOn(knex: Knex, sealer: Sealer, member: NewMember): Promise<IssuedCode> {
  const author = { by: systemActor('npm run staff'), reason: 'taken on by the operator' };
  const { code } = await knex.transaction((trx) =>
    createMember(trx, new OneTimeCodes(sealer), member, author),
  );
  return code;
}

async function main(): Promise<void> {
  loadDotEnv();
  const member = readStaffOptions(process.argv.slice(2));
  const config = readConfig(await readInstance(process.env));
  const db = connectDatabase(config.databaseUrl, 'staff', 2);
  try {
    const { token, expiresAt } = await takeOn(db.knex, createSealer(config.secretsKey), member);
    const body = { email: member.email, token, password: '...' };
    process.stdout.write(
      `${member.email} is ${member.role}. To set a password, once and until ` +
        `${expiresAt.toISOString()}:\nPOST /v2/clients/password/reset ${JSON.stringify(body)}\n`,
    );
  } finally {
    await db.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
