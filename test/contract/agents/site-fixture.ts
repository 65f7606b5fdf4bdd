import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import {
  createConfigurationServerHandlers,
  type SiteParts,
} from '../../../agents/configuration-server/handlers.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { CommandInput, VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { Hypervisor } from '../../../shared/ports/hypervisor.ts';
import { LocalFixture } from '../hypervisor/local-fixture.ts';

export const REPLICATION = 'web-01';

export const prepare = (
  vm: VmShape,
  change: Partial<CommandInput<'prepareTarget'>> = {},
): CommandInput<'prepareTarget'> => ({
  replicationId: REPLICATION,
  vm,
  isRehearsal: false,
  ...change,
});

interface SiteOfCommands {
  site: LocalFixture;
  database: SiteDatabase;
  /** What the configuration server does on the hypervisor of the site. */
  handlers: CommandHandlers;
  /** The same on another driver, with the same records. */
  withHypervisor: (
    hypervisor: Hypervisor,
    create?: (parts: SiteParts) => CommandHandlers,
  ) => CommandHandlers;
  /** A VM that was there before, off unless told otherwise; resolves to its id. */
  originalOf: (shape: VmShape, isOn?: boolean) => Promise<string>;
  vmNamed: (name: string) => ReturnType<Hypervisor['findVm']>;
  /** The configuration server ends and starts again with what it has kept. */
  restart: () => Promise<void>;
}

/** Each test of the file it is called in has a configuration server and a local hypervisor of its own. */
export function useSite(): SiteOfCommands {
  const fixture = {} as SiteOfCommands;
  let folder = '';
  let authority: CertificateAuthority;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'site-commands-'));
    fixture.site = new LocalFixture();
    fixture.database = new SiteDatabase(folder);
    authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
    fixture.handlers = fixture.withHypervisor(fixture.site.hypervisor);
  });
  afterEach(async () => {
    fixture.database.close();
    await fixture.site.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  fixture.withHypervisor = (hypervisor, create = createConfigurationServerHandlers) => {
    const self = { address: 'cs1.site.example', backups: null };
    const { database } = fixture;
    return create({ hypervisor, database, authority, self });
  };
  fixture.originalOf = async (shape, isOn = false) => {
    const disks = shape.disks.map(({ id: diskId, sizeBytes }) => ({ diskId, sizeBytes }));
    const vmId = await fixture.site.addVm({ name: shape.name, disks });
    if (isOn) await fixture.site.hypervisor.powerOn(vmId);
    return vmId;
  };
  fixture.vmNamed = async (name) => fixture.site.hypervisor.findVm({ name });
  fixture.restart = async () => {
    fixture.database.close();
    fixture.database = new SiteDatabase(folder);
    await fixture.site.restart();
    fixture.handlers = fixture.withHypervisor(fixture.site.hypervisor);
  };
  return fixture;
}
