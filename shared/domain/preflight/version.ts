const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;

/** Negative when `left` is older, positive when it is newer; `null` when one is not `1.2.3`. */
export function compareVersions(left: string, right: string): number | null {
  const [a, b] = [left, right].map((text) => VERSION.exec(text)?.slice(1).map(Number));
  if (a === undefined || b === undefined) return null;
  const differences = a.map((part, index) => part - (b[index] ?? 0));
  return differences.find((difference) => difference !== 0) ?? 0;
}
