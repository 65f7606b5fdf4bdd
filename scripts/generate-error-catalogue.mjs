/** Writes docs/errors.md from the catalogue; with --check only says whether it is up to date. */
import { CATALOGUE } from '../shared/errors/catalogue.ts';
import { cell, writeOrCheck } from './generated-document.mjs';

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

writeOrCheck('docs/errors.md', text);
