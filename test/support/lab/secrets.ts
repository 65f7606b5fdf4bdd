import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files in which a lab keeps its secrets, and where they belong. */
const KEPT_IN = /(?:secrets|keys|identity|tls|authority)\.json$|identity\.key$/;
/** Files in which nothing secret may turn up: logs, histories, journals of results. */
const OPEN_FILES = /\.log$|\.sqlite(?:-wal|-shm)?$/;
const SECRET_FIELD = /key|passphrase|token|default|master|durable/i;
const MIN_LENGTH = 16;

/** What is a secret wherever it stands. A masked value is none. */
const SHAPES = {
  'SAS signature': /[?&]sig=(?!\[secret\])[^&\s"'\\]{8}/,
  'private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  'account key': /AccountKey=(?!\[secret\])[^;\s"'\\]{8}/,
};

export interface SecretScan {
  /** Names of the secrets that were looked for. */
  readonly lookedFor: readonly string[];
  /** Files that were looked at. */
  readonly lookedAt: readonly string[];
  /** What was found where; never the secret itself. */
  readonly found: readonly string[];
}

/** Looks for every secret of a lab in its logs, its databases and what it answered. */
export async function scanForSecrets(
  labFolder: string,
  answers: readonly string[],
): Promise<SecretScan> {
  const files = await readdir(labFolder, { recursive: true });
  const secrets = new Map<string, string>();
  for (const file of files.filter((name) => KEPT_IN.test(name))) {
    const text = await readFile(join(labFolder, file), 'utf8');
    if (file.endsWith('.key')) secrets.set(file, text.trim());
    else collect(file, JSON.parse(text), secrets);
  }
  const lookedAt = files.filter((name) => OPEN_FILES.test(name));
  const found: string[] = [];
  for (const file of lookedAt) {
    found.push(...findIn(file, await readFile(join(labFolder, file), 'latin1'), secrets));
  }
  answers.forEach((text, index) => found.push(...findIn(`answer ${index}`, text, secrets)));
  return { lookedFor: [...secrets.keys()], lookedAt, found };
}

function collect(path: string, value: unknown, secrets: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    const at = `${path}#${name}`;
    if (typeof part !== 'string') collect(at, part, secrets);
    else if (SECRET_FIELD.test(name) && part.length >= MIN_LENGTH) secrets.set(at, keyText(part));
  }
}

/** Of a PEM the first line of its key: the line breaks may be escaped where it turns up. */
function keyText(value: string): string {
  return value.startsWith('-----BEGIN') ? (value.split('\n')[1] ?? value) : value;
}

function findIn(place: string, text: string, secrets: ReadonlyMap<string, string>): string[] {
  const known = [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name);
  const shaped = Object.entries(SHAPES)
    .filter(([, shape]) => shape.test(text))
    .map(([name]) => name);
  return [...known, ...shaped].map((name) => `${name} in ${place}`);
}
