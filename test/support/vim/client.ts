import { VimSession } from '../../../agents/configuration-server/hypervisors/vsphere/vim/session.ts';
import { SoapTransport } from '../../../agents/configuration-server/hypervisors/vsphere/vim/soap-transport.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { ACCOUNT, PASSWORD } from './fake-vim-server.ts';

export interface LogLine {
  readonly message: string;
  readonly values: unknown;
}

/** A session on a server, with what it logs. */
export function aSession(
  url: string,
  change: {
    readonly thumbprint?: string;
    readonly password?: string;
    readonly keepAliveMs?: number;
  } = {},
): { session: VimSession; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (message: string, values?: unknown): void => void lines.push({ message, values });
  const { thumbprint = null, password = PASSWORD, keepAliveMs = 60_000 } = change;
  const session = new VimSession({
    transport: new SoapTransport({ url, thumbprint }),
    username: ACCOUNT,
    password: new Secret(password),
    log: { debug: write, info: write, warn: write, error: write },
    keepAliveMs,
  });
  return { session, lines };
}
