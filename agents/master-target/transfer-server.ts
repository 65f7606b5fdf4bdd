import type { AddressInfo, Socket } from 'node:net';
import { createServer, type SecureContextOptions } from 'node:tls';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { TlsMaterial } from '../runtime/enrolment.ts';
import type { Activity } from '../runtime/queue-pace.ts';
import { serveConnection, type SessionParts } from './session.ts';

const KEEP_ALIVE_MS = 30_000;
const HANDSHAKE_MS = 30_000;

interface ServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: TlsMaterial;
  readonly sessions: SessionParts;
  readonly activity: Activity;
}

export interface TransferServer {
  readonly port: number;
  /** New connections get this certificate; those that are open stay as they are. */
  renew(tls: TlsMaterial): void;
  stop(): Promise<void>;
}

/** Takes connections of process servers that our site's authority certified; all others are turned away. */
export async function startTransferServer({
  listen,
  tls,
  sessions,
  activity,
}: ServerOptions): Promise<TransferServer> {
  const { log } = sessions;
  const connections = new Connections();
  const options = {
    ...secureContext(tls),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_MS,
  };
  const server = createServer(options, (socket) => {
    socket.on('error', (error: Error) =>
      log.debug('a connection broke', { reason: error.message }),
    );
    const { subject } = socket.getPeerCertificate();
    if (subject.OU !== 'processServer') {
      log.warn('a peer that is no process server was turned away', { peer: subject.CN });
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    // A process server that vanished without a word must not hold its lane for ever.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    connections.add(socket, activity.during(serveConnection(socket, sessions)));
  });
  server.on('connection', (socket: Socket) => connections.add(socket));
  server.on('tlsClientError', (error) => {
    log.warn('a peer without a valid certificate was turned away', { reason: error.message });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      const { port } = listen;
      reject(isTaken ? new FailbackError('FB-AGENT-011', { port }, { cause: error }) : error);
    });
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    renew: (renewed) => server.setSecureContext(secureContext(renewed)),
    stop: async () => {
      // First of all: whoever is cut off connects again.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await connections.end();
      await closed;
    },
  };
}

/** All there are, also those that have not said a word. */
class Connections {
  readonly #sockets = new Set<Socket>();
  readonly #served = new Set<Promise<void>>();

  add(socket: Socket, served?: Promise<void>): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (served === undefined) return;
    this.#served.add(served);
    void served.finally(() => this.#served.delete(served));
  }

  /** Returns when nothing is done for any of them any more. */
  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#served);
  }
}

function secureContext({
  keyPem: key,
  certificatePem: cert,
  caPem: ca,
}: TlsMaterial): SecureContextOptions {
  return { key, cert, ca, minVersion: 'TLSv1.3' };
}
