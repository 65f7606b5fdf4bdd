import { connect, type TLSSocket } from 'node:tls';
import type { TlsMaterial } from '../runtime/enrolment.ts';
import type { Transport } from './target-connection.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 30_000;

/** Connections to master targets of our own site: its authority signed them, for that role. */
export function createTlsTransport({ keyPem, certificatePem, caPem }: TlsMaterial): Transport {
  return {
    connect: async (host, port) =>
      new Promise<TLSSocket>((resolve, reject) => {
        const socket = connect({
          host,
          port,
          key: keyPem,
          cert: certificatePem,
          ca: caPem,
          minVersion: 'TLSv1.3',
          // Master targets are known by role, not by name: the authority signs nothing else.
          checkServerIdentity: (_host, { subject }) =>
            subject.OU === 'masterTarget'
              ? undefined
              : new Error('the peer is not a master target of this site'),
        });
        const timer = setTimeout(
          () => socket.destroy(new Error('no answer within 15 seconds')),
          CONNECT_TIMEOUT_MS,
        );
        socket.once('secureConnect', () => {
          clearTimeout(timer);
          socket.setNoDelay(true);
          // A bandwidth limit may pause it for hours; firewalls forget what is silent for minutes.
          socket.setKeepAlive(true, KEEP_ALIVE_MS);
          resolve(socket);
        });
        socket.once('error', (error) => {
          clearTimeout(timer);
          reject(error);
        });
      }),
  };
}
