/** Between a client and a real IMAP server: changes what the server offers, listens, speaks in its place, freezes. */
import net from 'node:net';

export interface ImapProxy {
  readonly port: number;
  /** What clients said, all of it. */
  said(): string;
  /** How often clients said IDLE. */
  idles(): number;
  /** Connections that are open now. */
  open(): number;
  /** The server says this to everybody. */
  inject(line: string): void;
  /** The connections there are stay open and say nothing more, as behind a router that forgot them. */
  freeze(): void;
  close(): void;
}

export const withoutIdle = (text: string): string => text.replaceAll(' IDLE', ' XDLE');

export async function imapProxy(port: number, change: (text: string) => string = (text) => text): Promise<ImapProxy> {
  let said = '';
  const sockets = new Set<net.Socket>();
  const clients = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    clients.add(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => client.destroy());
    }
    client.on('data', (chunk) => {
      said += chunk.toString('latin1');
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => client.write(change(chunk.toString('latin1')), 'latin1'));
    client.on('close', () => {
      clients.delete(client);
      upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return {
    port: address.port,
    said: () => said,
    idles: () => said.split(/ IDLE\r\n/).length - 1,
    open: () => clients.size,
    inject: (line) => {
      for (const client of clients) client.write(`${line}\r\n`);
    },
    freeze: () => {
      for (const socket of sockets) socket.removeAllListeners('data').pause();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
