import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { configurationServerConfigSchema } from '../../../../agents/configuration-server/config.ts';
import { createHypervisor } from '../../../../agents/configuration-server/create-hypervisor.ts';
import { SiteDatabase } from '../../../../agents/configuration-server/database.ts';
import type { Hypervisor } from '../../../../shared/ports/hypervisor.ts';

const hypervisorSchema = configurationServerConfigSchema.shape.hypervisor;
const VSPHERE = {
  kind: 'vsphere',
  url: 'https://vcenter.example/',
  username: 'failback@vsphere.local',
  passwordFile: 'password.txt',
  datastore: 'ds1',
  masterTarget: 'mt1',
};
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

describe('the configuration of a vSphere site', () => {
  it('has sensible values for what is left out', () => {
    expect(hypervisorSchema.parse(VSPHERE)).toMatchObject({
      siteKind: 'vcenter',
      networks: {},
      gracefulShutdownSeconds: 300,
      guestReadySeconds: 180,
      refreshSeconds: 60,
    });
  });

  it.each([
    ['a password in the address', { url: 'https://me:secret@vcenter.example/' }],
    ['plain HTTP', { url: 'http://vcenter.example/' }],
    ['half a thumbprint', { thumbprint: 'AA:BB' }],
    ['an unknown kind of site', { siteKind: 'cloud' }],
    ['a misspelt field', { thumbPrint: 'AA' }],
    ['a password in the file', { password: 'secret' }],
    ['an empty datastore', { datastore: '' }],
  ])('refuses %s', (_name, change) => {
    expect(hypervisorSchema.safeParse({ ...VSPHERE, ...change }).success).toBe(false);
  });

  it.each([
    ['SHA-256', 'AA:'.repeat(31) + 'AA'],
    ['SHA-1', 'ab:'.repeat(19) + 'ab'],
    ['SHA-256 without colons', 'ab'.repeat(32)],
  ])('takes a thumbprint: %s', (_name, thumbprint) => {
    expect(hypervisorSchema.safeParse({ ...VSPHERE, thumbprint }).success).toBe(true);
  });
});

describe('the hypervisor of a site', () => {
  let folder: string;
  let database: SiteDatabase;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'site-'));
    database = new SiteDatabase(folder);
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const create = (config: object): Hypervisor =>
    createHypervisor({
      config: hypervisorSchema.parse(config),
      configFolder: folder,
      database,
      log: SILENT,
      mobilityUrl: 'http://127.0.0.1:9/',
      mobilityProof: () => '',
    });

  it('is the one that the configuration names', async () => {
    writeFileSync(join(folder, 'password.txt'), 'p4ss-9917\nsecond line\n');
    const local = create({ kind: 'local', folder: 'vms' });
    const vsphere = create(VSPHERE);
    expect([local.kind, vsphere.kind]).toEqual(['local', 'vsphere']);
    expect(inspect(vsphere, { depth: 9, showHidden: true })).not.toContain('p4ss-9917');
    await vsphere.stop();
  });

  it.each([
    ['is not there', null],
    ['is empty', ''],
    ['begins with an empty line', '\nsecond'],
  ])('says that the password file %s', (_name, text) => {
    if (text !== null) writeFileSync(join(folder, 'password.txt'), text);
    expect(() => create(VSPHERE)).toThrow(/FB-AGENT-002.*passwordFile/);
  });

  it('needs the password of the guests as well when there is an account', () => {
    writeFileSync(join(folder, 'password.txt'), 'x');
    const account = { username: 'root', passwordFile: 'guest.txt' };
    for (const guestAccounts of [{ default: account }, { vms: { web01: account } }]) {
      expect(() => create({ ...VSPHERE, guestAccounts })).toThrow(/guest\.txt/);
    }
  });
});
