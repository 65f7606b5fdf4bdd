import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Hypervisor } from '../../shared/ports/hypervisor.ts';
import type { Logger } from '../runtime/types.ts';
import type {
  configurationServerConfigSchema,
  Credentials,
  VsphereHypervisorConfig,
} from './config.ts';
import type { SiteDatabase } from './database.ts';
import { LocalHypervisor } from './hypervisors/local/local-hypervisor.ts';
import type { GuestAccount, GuestAccounts } from './hypervisors/vsphere/guest/guest-accounts.ts';
import { VsphereHypervisor } from './hypervisors/vsphere/vsphere-hypervisor.ts';

interface HypervisorParts {
  readonly config: z.output<typeof configurationServerConfigSchema>['hypervisor'];
  /** Paths in the configuration are relative to it. */
  readonly configFolder: string;
  readonly database: SiteDatabase;
  readonly log: Logger;
  readonly mobilityUrl: string;
  readonly mobilityProof: (vmId: string) => string;
}

/** The driver that the configuration names. Throws FB-AGENT-002 for a password file that cannot be read. */
export function createHypervisor(parts: HypervisorParts): Hypervisor {
  const { config, configFolder, database, log, mobilityUrl, mobilityProof } = parts;
  if (config.kind === 'local') {
    const folder = resolve(configFolder, config.folder);
    return new LocalHypervisor({ config: { ...config, folder }, log, mobilityUrl, mobilityProof });
  }
  return new VsphereHypervisor({
    config,
    password: readPassword(configFolder, config.passwordFile),
    guestAccounts: readGuestAccounts(configFolder, config.guestAccounts),
    tables: database.inventory,
    log,
  });
}

function readGuestAccounts(
  folder: string,
  { default: others, vms }: VsphereHypervisorConfig['guestAccounts'],
): GuestAccounts {
  const read = ({ username, passwordFile }: Credentials): GuestAccount => ({
    username,
    password: readPassword(folder, passwordFile),
  });
  const ofVms = Object.entries(vms).map(([name, account]) => [name, read(account)] as const);
  return { others: others === undefined ? null : read(others), ofVms: new Map(ofVms) };
}

/** The first line of the file. */
function readPassword(folder: string, file: string): Secret {
  try {
    const [password = ''] = readFileSync(resolve(folder, file), 'utf8').split(/\r?\n/);
    if (password !== '') return new Secret(password);
  } catch (error) {
    const problems = `hypervisor.passwordFile: ${file} cannot be read`;
    throw new FailbackError('FB-AGENT-002', { problems }, { cause: error });
  }
  throw new FailbackError('FB-AGENT-002', {
    problems: `hypervisor.passwordFile: ${file} is empty`,
  });
}
