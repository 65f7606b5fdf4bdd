import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = '/usr/share/gocode/src/github.com/vmware/govmomi/vim25';

export interface GoField {
  readonly name: string;
  readonly type: string;
}

/** The Go types of Debian's govmomi, whose order of fields is that on the wire; `null` when it is not installed. */
export function govmomiTypes(): ReadonlyMap<string, readonly GoField[]> | null {
  const file = join(FOLDER, 'types/types.go');
  if (!existsSync(file)) return null;
  const structs = new Map<string, readonly string[]>();
  for (const [, name = '', body = ''] of readFileSync(file, 'utf8').matchAll(
    /^type (\w+) struct \{\n([\s\S]*?)^\}/gm,
  )) {
    structs.set(
      name,
      body
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
    );
  }
  const fieldsOf = (name: string): readonly GoField[] =>
    (structs.get(name) ?? []).flatMap((line) => {
      const field = /^\w+\s+(\S+)\s+`xml:"(\w+)[^`]*`$/.exec(line);
      // An embedded struct is the base type, whose fields come first.
      return field === null ? fieldsOf(line) : [{ name: field[2] ?? '', type: field[1] ?? '' }];
    });
  return new Map([...structs.keys()].map((name) => [name, fieldsOf(name)]));
}
