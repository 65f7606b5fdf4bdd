import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** What this machine says of its volumes. */
export interface Volumes {
  readonly isWindows: boolean;
  /** Windows: the volume it was started from, as `C:`. */
  readonly systemDrive: string;
  /** A number that only what lies on the same volume shares. */
  readonly volumeOf: (folder: string) => number;
}

const HERE: Volumes = {
  isWindows: process.platform === 'win32',
  systemDrive: process.env['SystemDrive'] ?? 'C:',
  volumeOf: (folder) => statSync(folder).dev,
};

/**
 * The retention folder shares its volume with nothing else that must not run out of space. On Linux it is a mount
 * point. A folder on a Windows drive of its own never is one, and the root of a drive is its own parent: there, the
 * volume must be another one than that of the system and of our data.
 */
export function isOnVolumeOfItsOwn(
  retentionFolder: string,
  dataFolder: string,
  { isWindows, systemDrive, volumeOf }: Volumes = HERE,
): boolean {
  const others = isWindows ? [`${systemDrive}\\`, dataFolder] : [dirname(retentionFolder)];
  const own = volumeOf(retentionFolder);
  return others.every((other) => volumeOf(other) !== own);
}
