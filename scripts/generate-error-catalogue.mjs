/** Writes docs/errors.md from the catalogue; with --check only says whether it is up to date. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CATALOGUE } from '../shared/errors/catalogue.ts';

const FILE = 'docs/errors.md';

const cell = (text) => text.replaceAll('|', '\\|');
const yesNo = (value) => (value ? 'yes' : 'no');

const sections = Object.entries(CATALOGUE)
  .toSorted(([a], [b]) => a.localeCompare(b))
  .map(
    ([code, entry]) => `## ${code}

${cell(entry.message)}

- Severity: ${entry.severity} · passes by itself: ${yesNo(entry.isRetryable)} · you can resolve it: ${yesNo(entry.isCustomerResolvable)}
- Possible causes: ${entry.possibleCauses.join(' ')}
- What to do: ${entry.recommendedAction}
`,
  );

const text = `# Errors

Generated from \`shared/errors\` by \`npm run docs\`. Words in braces are filled in.

${sections.join('\n')}`;

if (process.argv.includes('--check')) {
  const isCurrent = existsSync(FILE) && readFileSync(FILE, 'utf8') === text;
  if (!isCurrent) {
    console.error(`${FILE} is not up to date: run "npm run docs".`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(FILE, text);
}
