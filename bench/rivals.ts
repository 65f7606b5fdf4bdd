import { join } from 'node:path';
import { findProgram } from '../local/boot-image/tools.ts';
import { Child } from './lab/child.ts';
import { NODE_FLAGS } from './lab/node-flags.ts';
import type { Usage } from './lab/proc.ts';

export interface Rival {
  readonly name: string;
  /** Programs it needs; it is left out where one is missing. */
  readonly needs: readonly string[];
  /** Bash; finds URL, OUT and SIZE in its environment, and ends with the data durable in OUT. */
  readonly script: string;
  /** It prints a line `started` when it is ready; what came before is not counted. */
  readonly saysWhenStarted?: boolean;
}

const PARTS = 8;
const LIMIT_MS = 3 * 60_000;

const inParts = (sink: string): string => `
  part=$((SIZE / ${PARTS}))
  pids=()
  for ((i = 0; i < ${PARTS}; i++)); do
    start=$((i * part))
    end=$((i == ${PARTS - 1} ? SIZE - 1 : start + part - 1))
    curl --silent --show-error --fail --range "$start-$end" "$URL" ${sink} & pids+=($!)
  done
  for pid in "\${pids[@]}"; do wait "$pid"; done`;

const RIVALS: readonly Rival[] = [
  {
    name: 'curl ranges + dd',
    needs: ['curl', 'dd'],
    script: inParts(
      '| dd of="$OUT" bs=1M iflag=fullblock oflag=seek_bytes seek="$start" conv=notrunc,fsync status=none',
    ),
  },
  {
    name: 'qemu-img convert',
    needs: ['qemu-img'],
    script: `
      source='{"driver":"raw","size":'$SIZE',"file":{"driver":"http","url":"'$URL'"}}'
      qemu-img convert -m 16 -W -O raw "json:$source" "$OUT"
      sync "$OUT"`,
  },
  {
    name: 'nbdcopy + nbdkit curl',
    needs: ['nbdkit', 'nbdcopy'],
    script: `
      export OUT
      nbdkit --unix - --filter=truncate curl url="$URL" truncate="$SIZE" \\
        --run 'nbdcopy --connections=4 --requests=16 "$uri" "$OUT"'
      sync "$OUT"`,
  },
  {
    name: 'aria2c',
    needs: ['aria2c'],
    script: `
      aria2c --quiet --split=8 --max-connection-per-server=8 --min-split-size=1M \\
        --file-allocation=none --dir="$(dirname "$OUT")" --out="$(basename "$OUT")" \\
        --allow-overwrite=true "$URL"
      truncate --size="$SIZE" "$OUT"
      sync "$OUT"`,
  },
];

/** Only reads: what the storage gives at most to parallel range requests. */
export const RAW_READ: Rival = {
  name: 'raw read',
  needs: ['curl'],
  script: inParts('--output /dev/null'),
};

const bare = (options: string): string =>
  `"${process.execPath}" ${NODE_FLAGS.join(' ')} "${join(import.meta.dirname, 'bare/main.ts')}" ${options}`;

/** The least that two programs of Node.js have to do to bring the disk over, with digests and TLS. */
export const BARE: Rival = {
  name: 'bare pipeline',
  needs: [],
  script: bare(''),
  saysWhenStarted: true,
};

/** The same with neither. */
export const BARE_UNCHECKED: Rival = {
  name: 'bare pipeline, no digests, no TLS',
  needs: [],
  script: bare('--plain'),
  saysWhenStarted: true,
};

/** Shows what can be had at all; nobody would use it. */
export const REFERENCES: readonly Rival[] = [RAW_READ, BARE, BARE_UNCHECKED].filter(isInstalled);

/** Throws where there is nothing to compare with. */
export function installedRivals(): readonly Rival[] {
  const rivals = RIVALS.filter(isInstalled);
  if (rivals.length > 0) return rivals;
  throw new Error('There is nothing to compare with. Run: sh test/peers/install.sh --rivals');
}

function isInstalled({ needs }: Rival): boolean {
  return needs.every((program) => findProgram(program) !== null);
}

/**
 * Runs it once; `onStart` is called where the time that counts begins. Throws with what it wrote when it fails.
 */
export async function runRival(
  { name, script, saysWhenStarted = false }: Rival,
  environment: { readonly URL: string; readonly OUT: string; readonly SIZE: string },
  onStart: () => void,
): Promise<{ readonly seconds: number; readonly usage: Usage }> {
  // It waits for us at the end, so that /proc still knows what its children used.
  const whole = `set -e -o pipefail\n${script}\necho\necho finished\nread -r || true\n`;
  onStart();
  let [startedAt, cpuBefore] = [performance.now(), 0];
  const child = Child.start({
    command: 'bash',
    args: ['-c', whole],
    environment,
    // Of a reference nobody wants to know the peak.
    endsSoon: !saysWhenStarted,
  });
  // One that hangs must not hold the benchmark: it then ends too early.
  const limit = setTimeout(() => void child.stop(), LIMIT_MS);
  try {
    if (saysWhenStarted) {
      await child.says(/^started$/m);
      onStart();
      [startedAt, cpuBefore] = [performance.now(), child.usage().cpuSeconds];
    }
    await child.says(/^finished$/m);
    const seconds = (performance.now() - startedAt) / 1000;
    const { cpuSeconds, peakMiB } = child.usage();
    return { seconds, usage: { cpuSeconds: cpuSeconds - cpuBefore, peakMiB } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${name} failed. ${reason}`, { cause: error });
  } finally {
    clearTimeout(limit);
    await child.stop();
  }
}
