import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ContainerClient,
  BlobServiceClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { VmFile } from '../../../agents/configuration-server/hypervisors/local/vm-folder.ts';
import type { ArmState } from '../../../local/arm/state.ts';
import { startAzurite } from '../../../local/azurite/start-azurite.ts';
import type { LabSecrets } from '../../../local/lab/lab-folder.ts';
import { sampleVm } from '../../../local/lab/sample-vm.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
const DISK_ACCOUNT = 'labdisks';
const STORAGE_ACCOUNT = 'failback';
/** What the stand-in guest on-premises writes at a time. */
const HOME_BYTES = 4096;

/** SHA-256 by disk id. */
export type Digests = Readonly<Record<string, string>>;

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Storage of a lab, as its owner sees it. */
export interface LabStorage {
  readonly disks: ContainerClient;
  readonly replicas: ContainerClient;
}

export function labStorage(blobUrl: (account: string) => string, key: string): LabStorage {
  const container = (account: string, name: string): ContainerClient => {
    const credential = new StorageSharedKeyCredential(account, key);
    return new BlobServiceClient(blobUrl(account), credential).getContainerClient(name);
  };
  return {
    disks: container(DISK_ACCOUNT, 'disks'),
    replicas: container(STORAGE_ACCOUNT, 'replicas'),
  };
}

/** Opens the storage of a lab that is stopped, reads, closes it again. */
export async function withStoppedLab<T>(
  labFolder: string,
  read: (storage: LabStorage) => Promise<T>,
): Promise<T> {
  const secrets = JSON.parse(await readFile(join(labFolder, 'secrets.json'), 'utf8')) as LabSecrets;
  const azurite = await startAzurite({
    dataFolder: join(labFolder, 'azurite'),
    ports: { blob: 0, queue: 0, table: 0 },
    accounts: [STORAGE_ACCOUNT, DISK_ACCOUNT].map((name) => ({
      name,
      keyBase64: secrets.storageKey,
    })),
    managedDiskAccounts: [DISK_ACCOUNT],
  });
  try {
    return await read(labStorage((account) => azurite.blobUrl(account), secrets.storageKey));
  } finally {
    await azurite.stop();
  }
}

/** The page blobs behind the Azure VM's disks. */
export async function azureDigests(
  { disks }: LabStorage,
  arm: ArmState,
  vmName: string,
): Promise<Digests> {
  const digests: Record<string, string> = {};
  for (const { id, diskName, sizeBytes } of sampleVm(vmName).disks) {
    const disk = arm.disks.find(({ name }) => name === diskName);
    if (disk === undefined) throw new Error(`Azure has no disk ${diskName}.`);
    const blob = disks.getPageBlobClient(`${disk.uniqueId}.vhd`);
    const hash = createHash('sha256');
    for (let offset = 0; offset < sizeBytes; offset += CHUNK_BYTES) {
      hash.update(await blob.downloadToBuffer(offset, Math.min(CHUNK_BYTES, sizeBytes - offset)));
    }
    digests[id] = hash.digest('hex');
  }
  return digests;
}

export async function readArm(labFolder: string): Promise<ArmState> {
  return JSON.parse(await readFile(join(labFolder, 'arm', 'arm.json'), 'utf8')) as ArmState;
}

/** VMs of the site's hypervisor. */
export async function siteVms(labFolder: string): Promise<readonly VmFile[]> {
  const root = join(labFolder, 'site', 'vms');
  const names = await readdir(root).catch(() => []);
  return Promise.all(
    names.map(
      async (id) => JSON.parse(await readFile(join(root, id, 'vm.json'), 'utf8')) as VmFile,
    ),
  );
}

export function siteVmFolder(labFolder: string, vmId: string): string {
  return join(labFolder, 'site', 'vms', vmId);
}

/** The disks as they were handed to the VM, before its first instruction. */
export async function bootedDigests(labFolder: string, vmName: string): Promise<Digests> {
  const vm = (await siteVms(labFolder)).find(({ name }) => name === vmName);
  if (vm === undefined) throw new Error(`The site has no VM ${vmName}.`);
  const images = join(siteVmFolder(labFolder, vm.vmId), 'images', 'boot-copy');
  const digests: Record<string, string> = {};
  for (const { id } of sampleVm(vmName).disks) {
    digests[id] = await sha256OfFile(join(images, `${id}.raw`));
  }
  return digests;
}

export interface HomeDifference {
  /** 4-KiB blocks the guest on-premises has written. */
  readonly writtenAtHome: number;
  /** Offsets of blocks that differ and were not written by that guest. */
  readonly strange: readonly number[];
}

/** Compares block by block; the stand-in guest on-premises is the only one that may have changed any. */
export function compareWithHome(before: Buffer, after: Buffer): HomeDifference {
  const strange: number[] = [];
  let writtenAtHome = 0;
  for (let offset = 0; offset < before.length; offset += HOME_BYTES) {
    const now = after.subarray(offset, offset + HOME_BYTES);
    if (before.subarray(offset, offset + HOME_BYTES).equals(now)) continue;
    if (isHomeBlock(now)) writtenAtHome += 1;
    else strange.push(offset);
  }
  return { writtenAtHome, strange };
}

function isHomeBlock(block: Buffer): boolean {
  const end = block.indexOf('\n');
  const text = block.toString('latin1', 0, end + 1);
  return (
    /^written on-premises, round \d+\n$/.test(text) &&
    block.equals(Buffer.alloc(block.length, text))
  );
}
