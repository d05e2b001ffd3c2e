import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The network between clients and one API process, which can be cut. */
export class Wire {
  private readonly ends = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** @param target the URL of the API */
  static async to(target: string): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server);
    const { hostname, port } = new URL(target);
    server.on('connection', (near) => {
      const far = connect(Number(port), hostname);
      for (const [end, other] of [
        [near, far],
        [far, near],
      ] as const) {
        wire.ends.add(end);
        end.on('error', () => undefined); // 'close' follows
        end.on('close', () => {
          wire.ends.delete(end);
          other.destroy();
        });
        end.pipe(other);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Resets every connection on it: neither side says goodbye. */
  cut(): void {
    for (const end of this.ends) end.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.server.close();
    this.cut();
    await once(this.server, 'close');
  }
}
