import { describe, expect, it } from '@jest/globals';
import { cloudInit } from '../../../shared/adapters/azure/cloud-init.ts';
import { ArmProcessServers } from '../../../shared/adapters/azure/process-servers.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { unique } from '../../support/control-plane/azure-storage.ts';
import { must } from '../../support/must.ts';
import { aVm, failOnce, GROUP, powered, useAdapters } from './adapter-fixture.ts';

const lab = useAdapters();

const SETTINGS = {
  controlPlaneUrl: 'https://failback.example.net',
  registrationToken: new Secret('SECRET-TOKEN'),
  passphrase: new Secret('SECRET-PASSPHRASE'),
  packageUrl: 'https://packages.example.net/agents.tar.gz',
};

describe('a process server that is deployed', () => {
  const servers = (clients = lab.azure.clients): ArmProcessServers =>
    new ArmProcessServers(clients, {
      ...SETTINGS,
      vmSize: 'Standard_F4s_v2',
      adminSshPublicKey: 'ssh-ed25519 AAAA',
      image: { publisher: 'Debian', offer: 'debian-12', sku: '12', version: 'latest' },
    });
  async function aRequest() {
    const vm = await lab.vms.describe(GROUP, await aVm(lab));
    const name = unique('ps');
    return {
      name,
      resourceGroup: GROUP,
      location: 'lab',
      subnetId: must(vm, 'the VM that was seeded').subnetId,
    };
  }
  const nicExists = async (name: string): Promise<boolean> =>
    lab.azure.clients.network.networkInterfaces.get(GROUP, `${name}-nic`).then(
      () => true,
      () => false,
    );

  it('is completed by the repetition when only its interface was made', async () => {
    const request = await aRequest();
    failOnce(lab, 'virtualMachines.createOrUpdate', [503, 'ServiceUnavailable']);
    await expect(servers().deploy(request)).rejects.toMatchObject({ code: 'FB-AZ-002' });
    expect(await nicExists(request.name)).toBe(true);
    await servers().deploy(request);
    await powered(lab, request.name, 'running');
    await servers().remove(GROUP, request.name);
  });

  it('waits for the one of an earlier failback that Azure is still deleting', async () => {
    const request = await aRequest();
    const { clients } = lab.azure;
    const virtualMachines = { get: async () => ({ provisioningState: 'Deleting' }) };
    const compute = { virtualMachines } as unknown as typeof clients.compute;
    await expect(servers({ ...clients, compute }).deploy(request)).rejects.toMatchObject({
      code: 'FB-AZ-002',
      isRetryable: true,
    });
  });

  it('leaves nothing behind when it is removed, twice', async () => {
    const request = await aRequest();
    await servers().deploy(request);
    await powered(lab, request.name, 'running');
    const { storageProfile } = await lab.azure.clients.compute.virtualMachines.get(
      GROUP,
      request.name,
    );
    await servers().remove(GROUP, request.name);
    await servers().remove(GROUP, request.name);
    expect(await lab.vms.powerState(GROUP, request.name)).toBe('absent');
    expect(await nicExists(request.name)).toBe(false);
    const disk = lab.azure.clients.compute.disks.get(GROUP, storageProfile?.osDisk?.name ?? '');
    await expect(disk).rejects.toMatchObject({ statusCode: 404 });
  });

  it('leaves no interface behind when it never came to a VM', async () => {
    const request = await aRequest();
    failOnce(lab, 'virtualMachines.createOrUpdate', [400, 'SkuNotAvailable']);
    await expect(servers().deploy(request)).rejects.toMatchObject({ code: 'FB-AZ-001' });
    await servers().remove(GROUP, request.name);
    expect(await nicExists(request.name)).toBe(false);
  });
});

interface CloudInit {
  readonly write_files: readonly { path: string; permissions: string; content: string }[];
  readonly runcmd: readonly (readonly string[])[];
}

describe('what a process server gets for its first boot', () => {
  const text = cloudInit({ name: 'ps-1', ...SETTINGS });
  const document = JSON.parse(text.replace('#cloud-config\n', '')) as CloudInit;

  it('is a cloud-init document', () => {
    expect(text.split('\n', 1)).toEqual(['#cloud-config']);
    // Azure takes 64 KiB of custom data, Base64.
    expect(Buffer.from(text).toString('base64').length).toBeLessThan(64 * 1024);
  });

  it('has the two secrets the agent needs in a file for root only, and nowhere else', () => {
    const withSecrets = document.write_files.filter(({ content }) => content.includes('SECRET'));
    expect(withSecrets).toHaveLength(1);
    const [config] = withSecrets;
    expect(config).toMatchObject({
      path: '/etc/azure-failback/process-server.json',
      permissions: '0600',
    });
    expect(JSON.parse(must(config, 'the file with the secrets').content)).toEqual({
      name: 'ps-1',
      controlPlaneUrl: 'https://failback.example.net',
      registrationToken: 'SECRET-TOKEN',
      passphrase: 'SECRET-PASSPHRASE',
      dataFolder: '/var/lib/azure-failback',
    });
    expect(JSON.stringify(document.runcmd)).not.toContain('SECRET');
    expect(text.match(/SECRET-/g)).toHaveLength(2);
  });

  it('unpacks the package, and has its script make a service with that file', () => {
    const [folders, download, unpack, service] = document.runcmd;
    expect(folders).toEqual(['mkdir', '-p', '/opt/azure-failback', '/var/lib/azure-failback']);
    expect(download?.at(-1)).toBe(SETTINGS.packageUrl);
    expect(unpack).toEqual(['tar', '-xzf', download?.at(-2), '-C', '/opt/azure-failback']);
    // test/e2e/package.test.ts runs that script out of such a package.
    const script = '/opt/azure-failback/dist/agents/service/install-service.sh';
    const config = '/etc/azure-failback/process-server.json';
    expect(service).toEqual(['sh', script, 'process-server', config]);
  });

  it('cannot be broken out of by what stands in the settings', () => {
    const passphrase = new Secret('"}\n  runcmd: [["reboot"]]\n$(reboot)');
    const odd = cloudInit({ name: 'ps-1', ...SETTINGS, passphrase });
    const parsed = JSON.parse(odd.replace('#cloud-config\n', '')) as CloudInit;
    expect(parsed.runcmd).toEqual(document.runcmd);
    const config = JSON.parse(must(parsed.write_files[0], 'the first file').content) as {
      passphrase: string;
    };
    expect(config.passphrase).toBe(passphrase.reveal());
  });
});
