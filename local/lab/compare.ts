import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { SampleVm } from './sample-vm.ts';
import type { Lab } from './start-lab.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;

export interface Comparison {
  readonly diskId: string;
  readonly bytes: number;
  /** First byte that differs; `null` when none does. */
  readonly differsAt: number | null;
}

/**
 * Independent of the product's own proof: the disks in Azure, whose VM is stopped, against those of the site as
 * they booted.
 */
export async function compareDisks(lab: Lab, vm: SampleVm): Promise<readonly Comparison[]> {
  const fileOf = await filesOf(lab, vm);
  const { url, name, key } = lab.diskAccount;
  const service = new BlobServiceClient(url, new StorageSharedKeyCredential(name, key));
  const container = service.getContainerClient('disks');
  return Promise.all(
    vm.disks.map(async ({ id, diskName, sizeBytes }) => {
      const { uniqueId = '' } = lab.arm.state.disks.find((disk) => disk.name === diskName) ?? {};
      const blob = container.getPageBlobClient(`${uniqueId}.vhd`);
      const file = await open(fileOf(id), 'r');
      try {
        for (let offset = 0; offset < sizeBytes; offset += CHUNK_BYTES) {
          const length = Math.min(CHUNK_BYTES, sizeBytes - offset);
          const source = await blob.downloadToBuffer(offset, length);
          const target = Buffer.alloc(length);
          await file.read(target, 0, length, offset);
          if (!source.equals(target)) {
            const index = source.findIndex((byte, at) => byte !== target[at]);
            return { diskId: id, bytes: sizeBytes, differsAt: offset + index };
          }
        }
        return { diskId: id, bytes: sizeBytes, differsAt: null };
      } finally {
        await file.close();
      }
    }),
  );
}

/** A vCenter keeps no copies: there the guest has written nothing when it is compared. */
async function filesOf({ options }: Lab, { vmName }: SampleVm): Promise<(id: string) => string> {
  const { site, folder } = options;
  if (site !== undefined) return (id) => site.diskFile(vmName, id);
  const vms = folder.path('site', 'vms');
  const [vmId = ''] = await readdir(vms);
  return (id) => join(vms, vmId, 'images', 'boot-copy', `${id}.raw`);
}
