import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A mail server that takes everything, or holds every connection without a word. */
export class BenchMailServer {
  isSilent = false;
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
  turn(isSilent: boolean): void {
    this.isSilent = isSilent;
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
    if (this.isSilent) return;
    let isData = false;
    socket.write('220 bench\r\n');
    createInterface({ input: socket }).on('line', (line) => {
      if (this.isSilent || (isData && line !== '.')) return;
      if (isData) this.taken += 1;
      isData = !isData && /^DATA/i.test(line);
      socket.write(isData ? '354 go on\r\n' : '250 ok\r\n');
    });
  }
}
