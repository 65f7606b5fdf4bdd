import type { AddressInfo } from 'node:net';
import { createServer, type SecureContextOptions } from 'node:tls';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { TlsMaterial } from '../runtime/enrolment.ts';
import { serveConnection, type SessionParts } from './session.ts';

const KEEP_ALIVE_MS = 30_000;

interface ServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: TlsMaterial;
  readonly sessions: SessionParts;
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
}: ServerOptions): Promise<TransferServer> {
  const { log, gate } = sessions;
  const options = { ...secureContext(tls), requestCert: true, rejectUnauthorized: true };
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
    void serveConnection(socket, sessions);
  });
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
      await gate.closeAll();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function secureContext({
  keyPem: key,
  certificatePem: cert,
  caPem: ca,
}: TlsMaterial): SecureContextOptions {
  return { key, cert, ca, minVersion: 'TLSv1.3' };
}
