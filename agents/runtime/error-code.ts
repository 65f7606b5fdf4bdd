/** The code of an error of the operating system, as `ENOENT`; empty for what has none. Works across realms. */
export function codeOf(error: unknown): string {
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  return isCoded ? String(error.code) : '';
}
