import { createServer, type AddressInfo } from 'node:net';

function listenOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address() as AddressInfo;
      server.close(() => resolve(address.port));
    });
  });
}

/** A TCP port that nobody listens on at this moment. */
export const freePort = (host = '127.0.0.1'): Promise<number> => listenOnce(0, host);

/**
 * Makes sure that the API will be able to listen.
 * @param port 0 picks a free one
 * @returns the port
 * @throws Error that names PORT or HOST
 */
export async function claimPort(port: number, host: string): Promise<number> {
  try {
    return await listenOnce(port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new Error(
        `PORT ${port} is already in use on ${host}. ` +
          `Stop what listens there, or choose another: PORT=${port + 1} npm start`,
        { cause: error },
      );
    }
    if (code === 'EACCES') {
      throw new Error(`PORT ${port} needs more rights than this user has; choose one above 1023`, {
        cause: error,
      });
    }
    throw new Error(`Cannot listen on HOST ${host}, PORT ${port}: ${String(error)}`, {
      cause: error,
    });
  }
}
