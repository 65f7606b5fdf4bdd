import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  BlobServiceClient,
  type ContainerClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { Child } from './child.ts';
import { NODE_FLAGS } from './node-flags.ts';

const ACCOUNT = 'benchdisks';

/** The storage service that all programs read from. */
export interface BenchStorage {
  readonly container: ContainerClient;
  readonly child: Child;
}

export async function startStorage(folder: string): Promise<BenchStorage> {
  const key = randomBytes(32).toString('base64');
  const program = join(import.meta.dirname, 'storage-server.ts');
  const child = Child.start({
    command: process.execPath,
    args: [...NODE_FLAGS, program, ACCOUNT, key, folder],
  });
  const [, url = ''] = await child.says(/^storage (\S+) ready$/m);
  const service = new BlobServiceClient(url, new StorageSharedKeyCredential(ACCOUNT, key));
  const container = service.getContainerClient('disks');
  await container.create();
  return { container, child };
}
