/**
 * Begins work on up to `depth` items at a time and gives its results in the order of the items. An item is
 * begun only after the result `depth` places before it was used: what that held may be used again.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T>,
  depth: number,
  begin: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  let count = 0;
  try {
    for await (const item of items) {
      const result = begin(item, count);
      // Awaited in order later; until then a failure must not count as unhandled.
      result.catch(() => undefined);
      begun.push(result);
      count += 1;
      const next = begun.length < depth ? undefined : begun.shift();
      if (next !== undefined) yield await next;
    }
    for (let next = begun.shift(); next !== undefined; next = begun.shift()) yield await next;
  } finally {
    // Broken off: nothing may be left running on what the caller closes now.
    await Promise.allSettled(begun);
  }
}
