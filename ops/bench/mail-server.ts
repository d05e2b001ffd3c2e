import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Takes everything, holds every connection without a word, or wants no mail of ours. */
export type MailServerMood = 'takes' | 'silent' | 'refuses';

/** A mail server that is as it is told to be. */
export class BenchMailServer {
  private mood: MailServerMood = 'takes';
  taken = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly url: string,
    private readonly close: () => void,
  ) {}

  static async start(): Promise<BenchMailServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const bench = new BenchMailServer(`smtp://127.0.0.1:${port}`, () => server.close());
    server.on('connection', (socket) => bench.serve(socket));
    return bench;
  }

  /** Connections that are there begin anew. */
  turn(mood: MailServerMood): void {
    this.mood = mood;
    for (const socket of this.sockets) socket.destroy();
  }

  stop(): void {
    this.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    if (this.mood === 'silent') return;
    let isData = false;
    socket.write('220 bench\r\n');
    createInterface({ input: socket }).on('line', (line) => {
      if (this.mood === 'silent' || (isData && line !== '.')) return;
      if (this.mood === 'refuses' && /^MAIL/i.test(line)) {
        socket.write('550 5.7.1 you may not send here\r\n');
        return;
      }
      if (isData) this.taken += 1;
      isData = !isData && /^DATA/i.test(line);
      socket.write(isData ? '354 go on\r\n' : '250 ok\r\n');
    });
  }
}
