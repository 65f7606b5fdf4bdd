/** Where one disk at one instant is kept in Azure. */
export type SnapshotHandle =
  | { readonly kind: 'snapshot'; readonly name: string }
  | {
      readonly kind: 'restorePoint';
      readonly collection: string;
      readonly point: string;
      readonly disk: string;
    }
  | { readonly kind: 'blob'; readonly url: string; readonly snapshot: string };

const [POINT_PREFIX, BLOB_PREFIX] = ['rp:', 'blob:'];

/** The name that goes through commands and records. */
export function formatName(handle: SnapshotHandle): string {
  switch (handle.kind) {
    case 'snapshot':
      return handle.name;
    case 'restorePoint':
      return `${POINT_PREFIX}${handle.collection}/${handle.point}/${handle.disk}`;
    case 'blob':
      return `${BLOB_PREFIX}${handle.snapshot}/${encodeURIComponent(handle.url)}`;
  }
}

/** A name without any prefix is a snapshot's: records of earlier versions hold such. */
export function parseName(text: string): SnapshotHandle {
  if (text.startsWith(POINT_PREFIX)) {
    const [collection = '', point = '', disk = ''] = text.slice(POINT_PREFIX.length).split('/');
    return { kind: 'restorePoint', collection, point, disk };
  }
  if (text.startsWith(BLOB_PREFIX)) {
    const [snapshot = '', url = ''] = text.slice(BLOB_PREFIX.length).split('/');
    return { kind: 'blob', snapshot, url: decodeURIComponent(url) };
  }
  return { kind: 'snapshot', name: text };
}

/**
 * Whether Azure can tell the difference: same kind, same collection, same blob. A state a little older than
 * the base is no substitute for it: what was written and taken back in between is in no difference.
 */
export function isComparable(current: SnapshotHandle, base: SnapshotHandle): boolean {
  switch (base.kind) {
    case 'snapshot':
      return current.kind === 'snapshot';
    case 'restorePoint':
      return current.kind === 'restorePoint' && current.collection === base.collection;
    case 'blob':
      return current.kind === 'blob' && current.url === base.url;
  }
}
