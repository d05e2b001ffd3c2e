import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- What proves, besides the password, who somebody is. One that is not confirmed counts for nothing.
    create table second_factors (
      id uuid primary key,
      client_id uuid not null references clients,
      kind text not null check (kind in ('totp', 'email', 'webauthn')),
      label text not null default '',
      secret bytea,
      last_step bigint,
      credential_id text unique,
      public_key bytea,
      sign_count bigint,
      transports text[],
      created_at timestamptz not null,
      confirmed_at timestamptz,
      last_used_at timestamptz,
      check ((kind = 'totp') = (secret is not null)),
      check ((kind = 'webauthn') = (credential_id is not null)),
      check ((kind = 'webauthn') = (public_key is not null))
    );
    comment on column second_factors.secret is 'of a TOTP, sealed';
    comment on column second_factors.last_step is 'the last 30 s whose code was used (RFC 6238, 5.2)';
    create index second_factors_client on second_factors (client_id);
    create unique index second_factors_one_each on second_factors (client_id, kind)
      where kind <> 'webauthn' and confirmed_at is not null;

    create table recovery_codes (
      client_id uuid not null references clients,
      code_hash bytea not null check (length(code_hash) = 32),
      created_at timestamptz not null,
      used_at timestamptz,
      primary key (client_id, code_hash)
    );

    -- A proof that is under way: of a login after its password, of a step-up, of a new passkey.
    create table mfa_challenges (
      id uuid primary key,
      client_id uuid not null references clients,
      purpose text not null check (purpose in ('login', 'step_up', 'new_passkey')),
      session_id uuid references sessions on delete cascade,
      token_hash bytea unique check (length(token_hash) = 32),
      webauthn_challenge text,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz,
      check ((purpose = 'login') = (token_hash is not null)),
      check ((purpose = 'login') = (session_id is null))
    );
    create index mfa_challenges_session on mfa_challenges (session_id, purpose);
    create index mfa_challenges_age on mfa_challenges (created_at);

    alter table api_keys
      add column expires_at timestamptz,
      add column last_used_at timestamptz,
      add column last_used_ip text;

    grant select, insert, delete, update (label, last_step, sign_count, confirmed_at, last_used_at)
      on second_factors to brokerx_app;
    grant select, insert, delete, update (used_at) on recovery_codes to brokerx_app;
    grant select, insert, delete, update (webauthn_challenge, used_at) on mfa_challenges
      to brokerx_app;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys
      drop column expires_at, drop column last_used_at, drop column last_used_ip;
    drop table mfa_challenges, recovery_codes, second_factors;
  `);
}
