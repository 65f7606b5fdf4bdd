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

/** Neither occurs in names of snapshots and restore points; URLs are percent-encoded. */
const SEPARATOR = '+';
const [POINT_PREFIX, BLOB_PREFIX] = ['rp:', 'blob:'];

/**
 * The name that goes through commands and records. The first handle is the instant itself. Others are
 * the same instant or a little before it in another series, and only ever serve as a base: comparing
 * with an earlier state gives all changes since the later one, and perhaps some more.
 */
export function formatName(handles: readonly SnapshotHandle[]): string {
  return handles.map(formatHandle).join(SEPARATOR);
}

export function formatHandle(handle: SnapshotHandle): string {
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
export function parseName(name: string): readonly SnapshotHandle[] {
  return name.split(SEPARATOR).map(parseHandle);
}

function parseHandle(text: string): SnapshotHandle {
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

/** The part of a base's name that the snapshot may be compared with: same kind, same collection, same blob. */
export function comparableHandle(
  current: SnapshotHandle,
  base: readonly SnapshotHandle[],
): SnapshotHandle | undefined {
  return base.find((each) => {
    switch (each.kind) {
      case 'snapshot':
        return current.kind === 'snapshot';
      case 'restorePoint':
        return current.kind === 'restorePoint' && current.collection === each.collection;
      case 'blob':
        return current.kind === 'blob' && current.url === each.url;
    }
  });
}
