import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const vmFileSchema = z.object({
  vmId: z.string(),
  name: z.string(),
  /** What the VM was created for; `null` for VMs that were there before. */
  creationKey: z.string().nullable(),
  isIsolated: z.boolean(),
  powerState: z.enum(['on', 'off']),
  startedAt: z.string().nullable(),
  disksAt: z.enum(['vm', 'masterTarget']),
  snapshotCount: z.int(),
  disks: z.array(z.object({ diskId: z.string(), sizeBytes: z.int() })),
});
export type VmFile = z.infer<typeof vmFileSchema>;

const REGISTERED = 'vm.json';
const UNREGISTERED = 'unregistered-vm.json';

/** VMs as folders: `<root>/<vm id>/vm.json` and one raw file a disk. */
export class VmFolders {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    mkdirSync(root, { recursive: true });
  }

  get root(): string {
    return this.#root;
  }

  all(): readonly VmFile[] {
    return readdirSync(this.#root)
      .map((vmId) => this.find(vmId))
      .filter((vm) => vm !== null);
  }

  find(vmId: string): VmFile | null {
    const file = this.path(vmId, REGISTERED);
    if (!existsSync(file)) {
      // A volume that is not mounted says nothing about the VMs on it.
      if (!existsSync(this.#root)) throw new Error(`The folder ${this.#root} is not there.`);
      return null;
    }
    return vmFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  }

  /** What stands beside the disks of a VM that was taken out of the inventory. */
  findUnregistered(vmId: string): VmFile | null {
    const file = this.path(vmId, UNREGISTERED);
    if (!existsSync(file)) return null;
    return vmFileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  }

  allUnregistered(): readonly VmFile[] {
    return readdirSync(this.#root)
      .map((vmId) => this.findUnregistered(vmId))
      .filter((vm) => vm !== null);
  }

  register(vmId: string): void {
    renameSync(this.path(vmId, UNREGISTERED), this.path(vmId, REGISTERED));
  }

  unregister(vmId: string): void {
    renameSync(this.path(vmId, REGISTERED), this.path(vmId, UNREGISTERED));
  }

  write(vm: VmFile): void {
    mkdirSync(join(this.#root, vm.vmId), { recursive: true });
    const file = this.path(vm.vmId, REGISTERED);
    writeFileSync(`${file}.new`, JSON.stringify(vm, null, 2));
    renameSync(`${file}.new`, file);
  }

  update(vmId: string, change: Partial<VmFile>): VmFile | null {
    const vm = this.find(vmId);
    if (vm === null) return null;
    const next = { ...vm, ...change };
    this.write(next);
    return next;
  }

  remove(vmId: string): void {
    rmSync(join(this.#root, vmId), { recursive: true, force: true });
  }

  path(vmId: string, fileName: string): string {
    return join(this.#root, vmId, fileName);
  }

  /** Also those that are not whole. */
  imagesOf(vmId: string): readonly string[] {
    const folder = this.path(vmId, 'images');
    if (!existsSync(folder)) return [];
    return [...new Set(readdirSync(folder).map((name) => name.replace(/\.new$/, '')))];
  }

  disk(vmId: string, diskId: string): string {
    return this.path(vmId, `${diskId}.raw`);
  }
}
