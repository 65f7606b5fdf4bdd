import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { BootAppliance } from './context.ts';
import type { ArmState, VirtualMachineRecord } from './state.ts';

const cloudInitSchema = z.object({
  write_files: z
    .array(z.object({ path: z.string(), content: z.string(), permissions: z.string().optional() }))
    .default([]),
});

/** VMs that were created with cloud-init data: their files are written, then they boot. */
export class Appliances {
  readonly #folder: string;
  readonly #boot: BootAppliance;
  readonly #running = new Map<string, { stop(): Promise<void> }>();

  constructor(folder: string, boot: BootAppliance) {
    this.#folder = folder;
    this.#boot = boot;
  }

  async start(vm: VirtualMachineRecord, state: ArmState): Promise<void> {
    if (vm.customData === null || this.#running.has(vm.name)) return;
    const rootFolder = join(this.#folder, vm.name, 'rootfs');
    const files = writeFiles(vm.customData, rootFolder);
    const nicName = vm.nics[0]?.id.split('/').at(-1);
    const privateIpAddress =
      state.nics.find(({ name }) => name === nicName)?.privateIpAddress ?? '';
    const appliance = await this.#boot({ vmName: vm.name, rootFolder, files, privateIpAddress });
    this.#running.set(vm.name, appliance);
  }

  async stop(vmName: string): Promise<void> {
    const appliance = this.#running.get(vmName);
    this.#running.delete(vmName);
    await appliance?.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
  }
}

/** JSON is YAML, and our cloud-init is JSON. */
function writeFiles(customData: string, rootFolder: string): readonly string[] {
  const text = Buffer.from(customData, 'base64')
    .toString('utf8')
    .replace(/^#cloud-config\n/, '');
  const { write_files: files } = cloudInitSchema.parse(JSON.parse(text));
  for (const { path, content, permissions } of files) {
    const target = join(rootFolder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content, { mode: Number.parseInt(permissions ?? '0644', 8) });
  }
  return files.map(({ path }) => path);
}
