import type { AccessKeys } from '../../../shared/ports/access-keys.ts';

export const READER_KEY = 'key-of-a-reader';
export const OPERATOR_KEY = 'key-of-an-operator';
export const COMMITTER_KEY = 'key-of-a-committer';
export const MASTER_KEY = 'the-master-key';

/** Keys by value, as an administrator may have named them. */
export class MemoryAccessKeys implements AccessKeys {
  readonly names = new Map([
    [READER_KEY, 'reader-1'],
    [OPERATOR_KEY, 'operator-1'],
    [COMMITTER_KEY, 'committer-1'],
    [MASTER_KEY, '_master'],
    ['key-of-nothing', 'backup-script'],
  ]);

  async nameOf(key: string): Promise<string | null> {
    return this.names.get(key) ?? null;
  }
}
