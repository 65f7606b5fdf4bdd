import { bootImageTools, buildBootImage } from '../boot-image/build-boot-image.ts';
import { findProgram } from '../boot-image/tools.ts';
import { type BuildOsDisk, buildPlainOsDisk } from './sample-vm.ts';

export interface BootChoice {
  readonly mode: 'qemu' | 'simulated';
  /** For people: what will happen, and why. */
  readonly explanation: string;
  readonly buildOsDisk: BuildOsDisk;
}

/** QEMU when it and the tools for a bootable image are installed; otherwise says what is missing. */
export function chooseBoot(cacheFolder: string, isSimulated: boolean): BootChoice {
  const hasQemu = findProgram('qemu-system-x86_64') !== null;
  const missing = [...(hasQemu ? [] : ['qemu-system-x86_64']), ...bootImageTools().missing];
  if (!isSimulated && missing.length === 0) {
    return {
      mode: 'qemu',
      explanation: 'The disk that comes home will be booted with QEMU.',
      buildOsDisk: async (request) => buildBootImage({ ...request, cacheFolder }),
    };
  }
  const reason = isSimulated ? 'asked for' : `not installed: ${missing.join(', ')}`;
  return {
    mode: 'simulated',
    explanation: `The boot on-premises will be simulated (${reason}).`,
    buildOsDisk: buildPlainOsDisk,
  };
}
