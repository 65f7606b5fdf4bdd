/** As `Promise.all` over `map`, with at most `size` under way at the same time. The order is kept. */
export async function inChunks<T, R>(
  values: readonly T[],
  size: number,
  work: (value: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let start = 0; start < values.length; start += size) {
    results.push(...(await Promise.all(values.slice(start, start + size).map(work))));
  }
  return results;
}
