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
 * Independent of the product's own proof: the disks in Azure, whose VM is stopped, against the copies that
 * the site kept of its disks right before they booted.
 */
export async function compareDisks(lab: Lab, vm: SampleVm): Promise<readonly Comparison[]> {
  const vms = lab.options.folder.path('site', 'vms');
  const [vmId = ''] = await readdir(vms);
  const { url, name, key } = lab.diskAccount;
  const service = new BlobServiceClient(url, new StorageSharedKeyCredential(name, key));
  const container = service.getContainerClient('disks');
  return Promise.all(
    vm.disks.map(async ({ id, diskName, sizeBytes }) => {
      const { uniqueId = '' } = lab.arm.state.disks.find((disk) => disk.name === diskName) ?? {};
      const blob = container.getPageBlobClient(`${uniqueId}.vhd`);
      const file = await open(join(vms, vmId, 'images', 'boot-copy', `${id}.raw`), 'r');
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
