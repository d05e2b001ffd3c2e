type Data = Readonly<Record<string, string>>;

const transferOf = ({ what, amount, bank_account }: Data): string =>
  what === 'deposit'
    ? `your deposit of $${amount!} from ${bank_account!}`
    : `your withdrawal of $${amount!} to ${bank_account!}`;

/** Mails about deposits and withdrawals. */
export const TRANSFER_TEMPLATES = {
  transfer_settled: (data: Data) => ({
    subject: `Your ${data['what']!} of $${data['amount']!} has arrived`,
    paragraphs: [
      `Hello ${data['first_name']!},`,
      data['what'] === 'deposit'
        ? `${transferOf(data)} has arrived and can be used at once.`
        : `${transferOf(data)} is on its way out of our hands: it has settled.`,
      'If you know nothing of it, write to support@brokerx.example at once.',
    ],
  }),
  transfer_failed: (data: Data) => ({
    subject: `Your ${data['what']!} of $${data['amount']!} has failed`,
    paragraphs: [
      `Hello ${data['first_name']!},`,
      `${transferOf(data)} has failed: ${data['reason']!}. No money has moved.`,
      data['what'] === 'deposit'
        ? 'Look at it with your bank before you try again.'
        : 'The amount is free on your account again.',
    ],
  }),
  transfer_returned: (data: Data) => ({
    subject: `Your ${data['what']!} of $${data['amount']!} was returned`,
    paragraphs: [
      `Hello ${data['first_name']!},`,
      `${transferOf(data)} was returned: ${data['reason']!}. It is booked back.`,
      ...(data['owed']
        ? [
            `$${data['owed']} of it was not on your account any more. You owe it to us; your account ` +
              'is restricted until it is paid: make a transfer to your account, or write to ' +
              'support@brokerx.example.',
          ]
        : []),
    ],
  }),
};
