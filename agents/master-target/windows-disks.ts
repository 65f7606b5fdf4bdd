import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { FailbackError } from '../../shared/errors/failback-error.ts';

/** Runs a script and gives what it writes to its standard output. */
export type RunPowerShell = (script: string) => Promise<string>;

export interface WindowsSurroundings {
  readonly run: RunPowerShell;
  /** How long a disk that was hot-added may take to show up after the buses were searched. */
  readonly appearMs: number;
  readonly lookMs: number;
}

const HERE: WindowsSurroundings = { run: powerShell, appearMs: 10_000, lookMs: 1_000 };
const TIMEOUT_MS = 60_000;
/** Reads and writes of a raw disk are whole sectors, and everything that travels is in sectors of 512 bytes. */
const SECTOR_BYTES = 512;
const PRELUDE =
  "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; " +
  '[Console]::OutputEncoding = [Text.Encoding]::UTF8; ';
const PROPERTIES =
  "'Number', 'UniqueId', 'Size', 'LogicalSectorSize', 'IsOffline', 'IsReadOnly', 'IsBoot', 'IsSystem'";
/** As an argument, a list of one stays a list. */
const LIST = `ConvertTo-Json -Compress -InputObject @(Get-Disk | Select-Object -Property @(${PROPERTIES}))`;

const disksSchema = z.array(
  z.object({
    Number: z.int().nonnegative(),
    UniqueId: z.string().nullable(),
    Size: z.number().nonnegative(),
    LogicalSectorSize: z.number().nullable(),
    IsOffline: z.boolean(),
    IsReadOnly: z.boolean(),
    IsBoot: z.boolean(),
    IsSystem: z.boolean(),
  }),
);
type Disk = z.output<typeof disksSchema>[number];

/**
 * Path and size of the disk with that UUID, `null` when it is not there. Windows does not let anybody write to the
 * volumes of a disk that it has in use: the disk is taken offline, and stays so. Throws FB-JRN-010 for one that cannot
 * be written to.
 */
export async function windowsDisk(
  uuid: string,
  surroundings = HERE,
): Promise<{ readonly path: string; readonly sizeBytes: number } | null> {
  const { run } = surroundings;
  const found = await appeared(hexOf(uuid), surroundings);
  if (found === null) return null;
  refuseUnfit(found);
  const ready = isReady(found) ? found : await takeOffline(found, run);
  return { path: `\\\\.\\PhysicalDrive${ready.Number}`, sizeBytes: ready.Size };
}

async function appeared(id: string, surroundings: WindowsSurroundings): Promise<Disk | null> {
  const { run, appearMs, lookMs } = surroundings;
  const look = async (): Promise<Disk | null> =>
    (await listDisks(run)).find(({ UniqueId }) => hexOf(UniqueId ?? '') === id) ?? null;
  const found = await look();
  if (found !== null) return found;
  await run('Update-HostStorageCache');
  for (const until = performance.now() + appearMs; performance.now() < until;) {
    const late = await look();
    if (late !== null) return late;
    await delay(lookMs);
  }
  return null;
}

/** Never the disk that Windows itself runs from, whoever asks for it. */
function refuseUnfit({ Number: number, IsBoot, IsSystem, LogicalSectorSize }: Disk): void {
  if (IsBoot || IsSystem) throw unfit(number, 'Windows itself runs from it');
  const sectorBytes = LogicalSectorSize ?? SECTOR_BYTES;
  if (sectorBytes !== SECTOR_BYTES) {
    throw unfit(number, `its sectors have ${sectorBytes} bytes, not ${SECTOR_BYTES}`);
  }
}

async function takeOffline({ Number: number }: Disk, run: RunPowerShell): Promise<Disk> {
  try {
    await run(
      `Set-Disk -Number ${number} -IsOffline $true; Set-Disk -Number ${number} -IsReadOnly $false`,
    );
  } catch (error) {
    throw unfit(number, 'it cannot be taken offline', error);
  }
  const now = (await listDisks(run)).find((disk) => disk.Number === number);
  if (now !== undefined && isReady(now)) return now;
  throw unfit(number, 'it does not stay offline and writable');
}

function isReady({ IsOffline, IsReadOnly }: Disk): boolean {
  return IsOffline && !IsReadOnly;
}

function unfit(number: number, reason: string, cause?: unknown): FailbackError {
  return new FailbackError('FB-JRN-010', { device: `PhysicalDrive${number}`, reason }, { cause });
}

async function listDisks(run: RunPowerShell): Promise<readonly Disk[]> {
  const text = await run(LIST);
  return disksSchema.parse(JSON.parse(text.replace(/^\uFEFF/, '')));
}

/** vSphere, the kernel of Linux and Windows write the same number each in its own way. */
function hexOf(id: string): string {
  return id
    .replace(/^(?:naa|eui)\./i, '')
    .toLowerCase()
    .replaceAll(/[^0-9a-f]/g, '');
}

/** Nothing of what it runs comes from outside but numbers. */
async function powerShell(script: string): Promise<string> {
  const encoded = Buffer.from(`${PRELUDE}${script}`, 'utf16le').toString('base64');
  const parameters = ['-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass'];
  const { stdout } = await promisify(execFile)(
    'powershell.exe',
    [...parameters, '-EncodedCommand', encoded],
    { timeout: TIMEOUT_MS, windowsHide: true, maxBuffer: 16 * 1024 * 1024 },
  );
  return stdout;
}
