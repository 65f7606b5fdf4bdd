import { copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AnonymousCredential, PageBlobClient } from '@azure/storage-blob';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { CommandContext } from '../runtime/types.ts';
import { ProgressMeter } from '../runtime/progress-meter.ts';
import { renameOver, sizeIfThere, syncFolder } from './durable-file.ts';
import { letGoOf } from './locate-device.ts';
import { blockCount, entryOf, isSame, Manifest } from './manifest.ts';
import { OpenFiles } from './open-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import { TargetDisk } from './target-disk.ts';

const BATCH = 16;
const RENEW_BEFORE_MS = 5 * 60_000;
const ZERO = Buffer.alloc(BLOCK_BYTES);

type Input = CommandInput<'replicateToAzure'>;
type Output = CommandOutput<'replicateToAzure'>;

/**
 * The way back. The manifest says what the replica in Azure holds: first what the source held at shutdown,
 * then what each delta brought. Blocks that are on their way are unknown to it, so that a delta that was
 * cut off is sent again; it moves on once all of a delta is in the replica.
 */
export async function replicateToAzure(
  folder: ReplicationFolder,
  input: Input,
  context: CommandContext,
): Promise<Output> {
  const startedAt = Date.now();
  const { diskId, device, sizeBytes } = input;
  const file = await replicaManifest(folder, diskId);
  const files = new OpenFiles();
  const replica = new Replica(context);
  const meter = new ProgressMeter(() => Date.now());
  meter.expect(sizeBytes, blockCount(sizeBytes));
  let changedBytes = 0;
  try {
    const disk = await files.add(TargetDisk.open(diskId, device, { sizeBytes, isReadOnly: true }));
    // Without it, nobody knows what Azure holds: everything is sent.
    const manifest = await files.add(Manifest.open(file, sizeBytes, 'unknown'));
    await copyFile(file, `${file}.next`);
    const next = await files.add(Manifest.open(`${file}.next`, sizeBytes));
    for (let first = 0; first < blockCount(sizeBytes); first += BATCH) {
      context.signal.throwIfAborted();
      const count = Math.min(BATCH, blockCount(sizeBytes) - first);
      const offset = first * BLOCK_BYTES;
      const bytes = await disk.read(offset, Math.min(count * BLOCK_BYTES, sizeBytes - offset));
      const entries = await manifest.read(first, count);
      const changed = entries.flatMap((entry, index) => {
        const block = bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
        return isSame(entry, block) ? [] : [{ index: first + index, block }];
      });
      // Durable before the first byte goes: a delta that breaks off leaves blocks in the replica that the
      // manifest must not vouch for, even if the disk goes back to what it was.
      for (const { index } of changed) await manifest.forget(index);
      if (changed.length > 0) await manifest.sync();
      for (const { index, block } of changed) {
        await replica.put(index * BLOCK_BYTES, block);
        await next.set(index, entryOf(block));
        changedBytes += block.length;
      }
      meter.add(bytes.length, count);
      context.reportProgress(meter.read('comparing and sending'));
    }
    await next.sync();
  } finally {
    await files.close();
    // The image is taken away next.
    await letGoOf(device);
  }
  await renameOver(`${file}.next`, file);
  await syncFolder(dirname(file));
  return {
    comparedBytes: sizeBytes,
    changedBytes,
    sentBytes: replica.sentBytes,
    durationMs: Date.now() - startedAt,
  };
}

/** After a failover to an older point, Azure holds another one than the disks do. */
async function replicaManifest(folder: ReplicationFolder, diskId: string): Promise<string> {
  const remembered = folder.replicaManifestFile(diskId);
  return (await sizeIfThere(remembered)) !== null ? remembered : folder.manifestFile(diskId);
}

/** The page blob in Azure, through SAS URLs that are renewed before they run out. */
class Replica {
  readonly #context: CommandContext;
  #client: PageBlobClient | undefined;
  #expiresMs = 0;
  sentBytes = 0;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async put(offset: number, block: Buffer): Promise<void> {
    const abortSignal = this.#context.signal;
    try {
      const client = await this.#current();
      if (block.equals(ZERO.subarray(0, block.length))) {
        await client.clearPages(offset, block.length, { abortSignal });
        return;
      }
      await client.uploadPages(block, offset, block.length, { abortSignal });
      this.sentBytes += block.length;
    } catch (error) {
      this.#context.signal.throwIfAborted();
      throw replicaError(error);
    }
  }

  async #current(): Promise<PageBlobClient> {
    if (this.#client !== undefined && Date.now() < this.#expiresMs - RENEW_BEFORE_MS) {
      return this.#client;
    }
    const { replicaUrl, expiresAt } = await this.#context.dataAccess();
    if (replicaUrl === undefined) {
      throw new FailbackError('FB-JRN-007', { status: 'no', code: 'no access was granted' });
    }
    this.#client = new PageBlobClient(replicaUrl, new AnonymousCredential());
    this.#expiresMs = Date.parse(expiresAt);
    return this.#client;
  }
}

function replicaError(error: unknown): FailbackError {
  if (error instanceof FailbackError) return error;
  const fields = (error instanceof Error ? error : {}) as { statusCode?: number; code?: string };
  const values = { status: fields.statusCode ?? 'no answer', code: fields.code ?? 'unknown' };
  return new FailbackError('FB-JRN-007', values, { cause: error });
}
