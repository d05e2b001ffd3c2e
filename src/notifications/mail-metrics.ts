import { Counter } from 'prom-client';
import { REFUSALS } from './mail-refused.js';

export const mailsRefused = new Counter({
  name: 'brokerx_mails_refused_total',
  help: 'Mails that the mail server did not take, by whose fault it is; sender: ours, look at it',
  labelNames: ['reason'],
});
// From the start, or nothing would have increased at the first refusal.
for (const reason of REFUSALS) mailsRefused.inc({ reason }, 0);
