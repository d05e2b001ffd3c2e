import type { AccountData, StatementData } from './events.js';
import { plain, term, time, type MessageTemplate } from './said.js';

const facts: MessageTemplate<AccountData>['facts'] = ({ at, reason }) => [
  time('at', at),
  term('reason', reason),
];

/** What clients are told of their account as a whole. */
export const ACCOUNT_MESSAGES = {
  'account.activated': {
    facts,
    en: () => ({
      subject: 'Your account is open',
      paragraphs: [
        'we have checked your documents and opened your account. Log in again, and you can pay in ' +
          'and trade.',
      ],
    }),
    fr: () => ({
      subject: 'Votre compte est ouvert',
      paragraphs: [
        'Nous avons vérifié vos documents et ouvert votre compte. Reconnectez-vous, et vous pourrez ' +
          'y verser de l’argent et négocier.',
      ],
    }),
  },
  'account.rejected': {
    facts,
    en: () => ({
      subject: 'We could not open your account',
      paragraphs: [
        'we have checked your sign-up and cannot open an account for you.',
        'If you think that this is a mistake, write to support@brokerx.example.',
      ],
    }),
    fr: () => ({
      subject: 'Nous n’avons pas pu ouvrir votre compte',
      paragraphs: [
        'Nous avons vérifié votre inscription et ne pouvons pas vous ouvrir de compte.',
        'Si vous pensez que c’est une erreur, écrivez à support@brokerx.example.',
      ],
    }),
  },
  'account.suspended': {
    facts,
    en: () => ({
      subject: 'Your account is suspended',
      paragraphs: [
        'your account is suspended: nobody can log in or trade with it, and its open orders are ' +
          'canceled.',
        'Write to support@brokerx.example to learn what is needed.',
      ],
    }),
    fr: () => ({
      subject: 'Votre compte est suspendu',
      paragraphs: [
        'Votre compte est suspendu : personne ne peut s’y connecter ni négocier, et ses ordres ' +
          'ouverts sont annulés.',
        'Écrivez à support@brokerx.example pour savoir ce qui est nécessaire.',
      ],
    }),
  },
} as const satisfies Readonly<Record<string, MessageTemplate<AccountData>>>;

export const STATEMENT_MESSAGES = {
  'statement.ready': {
    facts: ({ statement_id, day }) => [plain('statement', statement_id), plain('day', day)],
    en: ({ day }) => ({
      subject: `Your statement of ${day} is ready`,
      paragraphs: [
        `the statement of your account for ${day} is ready. Read it at /v2/statements/${day}, as ` +
          'JSON, CSV or PDF.',
      ],
    }),
    fr: ({ day }) => ({
      subject: `Votre relevé du ${day} est prêt`,
      paragraphs: [
        `Le relevé de votre compte pour le ${day} est prêt. Lisez-le à /v2/statements/${day}, en ` +
          'JSON, CSV ou PDF.',
      ],
    }),
  },
} as const satisfies Readonly<Record<string, MessageTemplate<StatementData>>>;
