const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `12.3 MiB` */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < SIZES.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${SIZES[unit]}`;
}

/** An estimate: `less than a minute`, `48 minutes`, `3.2 hours`, `2.5 days`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return 'less than a minute';
  if (seconds < 90 * 60) return count(Math.round(seconds / 60), 'minute');
  const hours = seconds / 3600;
  return hours < 48 ? `${hours.toFixed(1)} hours` : `${(hours / 24).toFixed(1)} days`;
}

/** Of a line: `100 Mbit/s`, `1 Gbit/s`. */
export function formatBitRate(bitsPerSecond: number): string {
  const megabits = bitsPerSecond / 1e6;
  const [value, unit] = megabits < 1000 ? [megabits, 'Mbit/s'] : [megabits / 1000, 'Gbit/s'];
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${unit}`;
}

function count(value: number, unit: string): string {
  return `${value} ${unit}${value === 1 ? '' : 's'}`;
}
