import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A mail server that keeps what it gets: as much of RFC 5321 as a client needs to deliver. */
export interface SmtpServer {
  readonly url: string;
  readonly mails: string[];
  close(): Promise<void>;
}

/** @param accepts told of each recipient; a refused one is answered with 550 */
export async function startSmtpServer(
  accepts: (recipient: string) => boolean = () => true,
): Promise<SmtpServer> {
  const mails: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let data: string[] | null = null;
    const answer = (text: string) => socket.write(`${text}\r\n`);
    answer('220 test');
    createInterface({ input: socket }).on('line', (line) => {
      if (data) {
        if (line !== '.') return void data.push(line);
        mails.push(data.join('\n'));
        data = null;
        return void answer('250 taken');
      }
      const command = line.slice(0, 4).toUpperCase();
      if (command === 'DATA') {
        data = [];
        answer('354 go on');
      } else if (command === 'RCPT') {
        const recipient = /<(.*)>/.exec(line)?.[1] ?? '';
        answer(accepts(recipient) ? '250 ok' : '550 no such mailbox');
      } else answer('250 ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
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
