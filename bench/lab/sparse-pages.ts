/** What Get Page Ranges counts in at least, and what a guest's file system writes at least. */
export const PAGE_BYTES = 4096;

/** Where the n-th changed page of a disk begins. */
export function changedOffset(
  { sizeBytes, pages }: { readonly sizeBytes: number; readonly pages: number },
  page: number,
): number {
  const stride = sizeBytes / PAGE_BYTES / pages;
  return Math.floor(page * stride) * PAGE_BYTES;
}

/** Every page of the disk, should it be asked for, is filled with its own number. */
export function fillPages(bytes: Buffer, start: number): void {
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const mark = Buffer.alloc(8);
    mark.writeBigUInt64BE(BigInt((start + at) / PAGE_BYTES + 1));
    bytes.fill(mark, at, Math.min(bytes.length, at + PAGE_BYTES));
  }
}
