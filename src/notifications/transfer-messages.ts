import type { TransferData } from './events.js';
import { dollarsIn } from './language.js';
import { dollars, plain, sentence, term, type MessageTemplate } from './said.js';
import { sentenceIn, wordIn } from './words.js';

type Message = MessageTemplate<TransferData>;

const facts: Message['facts'] = (data) => [
  plain('transfer', data.transfer_id),
  term('type', data.direction),
  dollars('amount', data.amount),
  sentence('bank_account', data.bank_account),
  term('reason', data.reason),
  dollars('owed', data.owed),
];

/** Such as `deposit of 250 USD`. */
const transferIn = {
  en: ({ direction, amount }: TransferData) => `${direction} of ${dollarsIn('en', amount)}`,
  fr: ({ direction, amount }: TransferData) =>
    `${wordIn('fr', direction)} de ${dollarsIn('fr', amount)}`,
};

/** The same, with the bank account. */
const fromOrTo = {
  en: (data: TransferData) =>
    `${transferIn.en(data)} ${data.direction === 'deposit' ? 'from' : 'to'} ${data.bank_account}`,
  fr: (data: TransferData) =>
    `${transferIn.fr(data)} ${data.direction === 'deposit' ? 'depuis' : 'vers'} ` +
    sentenceIn('fr', data.bank_account),
};

const because = {
  en: ({ reason }: TransferData) => (reason ? `: ${wordIn('en', reason)}` : ''),
  fr: ({ reason }: TransferData) => (reason ? ` : ${wordIn('fr', reason)}` : ''),
};

/** What clients are told of their deposits and withdrawals. */
export const TRANSFER_MESSAGES = {
  'transfer.settled': {
    facts,
    en: (data) => ({
      subject: `Your ${transferIn.en(data)} has arrived`,
      paragraphs: [
        data.direction === 'deposit'
          ? `your ${fromOrTo.en(data)} has arrived and can be used at once.`
          : `your ${fromOrTo.en(data)} is on its way out of our hands: it has settled.`,
        'If you know nothing of it, write to support@brokerx.example at once.',
      ],
    }),
    fr: (data) => ({
      subject: `Votre ${transferIn.fr(data)} est arrivé`,
      paragraphs: [
        data.direction === 'deposit'
          ? `Votre ${fromOrTo.fr(data)} est arrivé et peut être utilisé aussitôt.`
          : `Votre ${fromOrTo.fr(data)} a quitté notre maison : il est réglé.`,
        'Si vous n’en savez rien, écrivez aussitôt à support@brokerx.example.',
      ],
    }),
  },
  'transfer.failed': {
    facts,
    en: (data) => ({
      subject: `Your ${transferIn.en(data)} has failed`,
      paragraphs: [
        `your ${fromOrTo.en(data)} has failed${because.en(data)}. No money has moved.`,
        data.direction === 'deposit'
          ? 'Look at it with your bank before you try again.'
          : 'The amount is free on your account again.',
      ],
    }),
    fr: (data) => ({
      subject: `Votre ${transferIn.fr(data)} a échoué`,
      paragraphs: [
        `Votre ${fromOrTo.fr(data)} a échoué${because.fr(data)}. Aucune somme n’a bougé.`,
        data.direction === 'deposit'
          ? 'Voyez avec votre banque avant de réessayer.'
          : 'Le montant est de nouveau disponible sur votre compte.',
      ],
    }),
  },
  'transfer.returned': {
    facts,
    en: (data) => ({
      subject: `Your ${transferIn.en(data)} was returned`,
      paragraphs: [
        `your ${fromOrTo.en(data)} was returned${because.en(data)}. It is booked back.`,
        ...(data.owed
          ? [
              `${dollarsIn('en', data.owed)} of it were not on your account any more. You owe it to ` +
                'us; your account is restricted until it is paid: make a transfer to your account, ' +
                'or write to support@brokerx.example.',
            ]
          : []),
      ],
    }),
    fr: (data) => ({
      subject: `Votre ${transferIn.fr(data)} a été retourné`,
      paragraphs: [
        `Votre ${fromOrTo.fr(data)} a été retourné${because.fr(data)}. L’écriture est annulée.`,
        ...(data.owed
          ? [
              `${dollarsIn('fr', data.owed)} n’étaient plus sur votre compte. Vous nous les devez ; ` +
                'votre compte est restreint jusqu’au paiement : faites un virement vers votre ' +
                'compte, ou écrivez à support@brokerx.example.',
            ]
          : []),
      ],
    }),
  },
} as const satisfies Readonly<Record<string, Message>>;
