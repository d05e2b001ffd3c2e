import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A mail server that keeps what it gets: as much of RFC 5321 as a client needs to deliver. */
export interface SmtpServer {
  readonly url: string;
  readonly mails: string[];
  /** How many connections it has had. */
  readonly connections: () => number;
  close(): Promise<void>;
}

/** What the server says in place of yes, by command; such as `{ MAIL: '530 log in first' }`. */
export type SmtpAnswers = Readonly<
  Partial<Record<'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | '.', string>>
>;

/**
 * @param accepts told of each recipient; a refused one is answered with 550
 * @param answers read anew for every command
 * @param taken   awaited between taking a mail and saying so, for a slow server
 */
export async function startSmtpServer(
  accepts: (recipient: string) => boolean = () => true,
  answers: SmtpAnswers = {},
  taken: (mail: string) => Promise<void> = () => Promise.resolve(),
): Promise<SmtpServer> {
  const mails: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let data: string[] | null = null;
    const answer = (text: string) => socket.write(`${text}\r\n`);
    answer('220 test');
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined); // the socket's again: a client was killed
    lines.on('line', (line) => {
      if (data) {
        if (line !== '.') return void data.push(line);
        const mail = data.join('\n');
        data = null;
        if (answers['.']) return void answer(answers['.']);
        mails.push(mail);
        return void taken(mail).then(() => answer('250 taken'));
      }
      const command = line.slice(0, 4).toUpperCase();
      if (command === 'DATA' && !answers.DATA) {
        data = [];
        answer('354 go on');
      } else if (command === 'RCPT') {
        const recipient = /<(.*)>/.exec(line)?.[1] ?? '';
        answer(answers.RCPT ?? (accepts(recipient) ? '250 ok' : '550 no such mailbox'));
      } else if (command === 'EHLO') {
        answer(answers.AUTH ? '250-test\r\n250 AUTH PLAIN' : '250 ok');
      } else answer((answers as Record<string, string | undefined>)[command] ?? '250 ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    connections: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A mail server that takes connections and never says anything. */
export async function startSilentServer(): Promise<Pick<SmtpServer, 'url' | 'close'>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
