import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Writes a document; with --check only says whether it is up to date. */
export function writeOrCheck(file, text) {
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
    return;
  }
  const isCurrent = existsSync(file) && readFileSync(file, 'utf8') === text;
  if (isCurrent) return;
  console.error(`${file} is not up to date: run "npm run docs".`);
  process.exitCode = 1;
}

/** A text as it may stand in a cell of a table. */
export const cell = (text) => text.replaceAll('|', '\\|');
