/** Writes docs/preflight.md from the table of rules; with --check only says whether it is up to date. */
import { RULES } from '../shared/domain/preflight/rules/index.ts';
import {
  NOT_ASKED_IN_AVS,
  PROCESS_SERVER_SIZES,
  VSPHERE_PRIVILEGES,
} from '../shared/policy/preflight-limits.ts';
import { cell, writeOrCheck } from './generated-document.mjs';

/** Rules by the first word of their id, in the order of the table. */
const SUBJECTS = {
  azure: 'The machine and its network in Azure',
  'process-server': 'Process server',
  'configuration-server': 'Configuration server',
  site: 'Site and hypervisor',
  hyperv: 'Hyper-V',
  physical: 'Machines that were physical',
  original: 'Back to the original VM (OLR)',
  alternate: 'Back to a new VM (ALR)',
  location: 'Size of the download',
  'master-target': 'Master target',
  guest: 'The guest after its return',
  clocks: 'Clocks',
  protection: 'Replication',
};

const subjectOf = ({ id }) => id.split('.')[0];
const strangers = RULES.filter((rule) => !Object.hasOwn(SUBJECTS, subjectOf(rule)));
if (strangers.length > 0) {
  throw new Error(`No heading for ${strangers.map(({ id }) => id).join(', ')}`);
}

const row = ({ id, statement, severity, errorCode }) =>
  `| ${cell(statement)} | ${severity} | [${errorCode}](errors.md#${errorCode.toLowerCase()}) | \`${id}\` |`;

const rules = Object.entries(SUBJECTS).map(
  ([subject, title]) => `## ${title}

| what has to hold | weight | code | rule |
| --- | --- | --- | --- |
${RULES.filter((rule) => subjectOf(rule) === subject)
  .map(row)
  .join('\n')}
`,
);

const gigabytes = (bytes) => `${bytes / 1e9} GB`;
const sizes = PROCESS_SERVER_SIZES.map(
  ({ cpuCount, memoryBytes, cacheBytes, maxChangeBytesPerDay }) =>
    `| ${gigabytes(maxChangeBytesPerDay)} | ${cpuCount} | ${gigabytes(memoryBytes)} | ${gigabytes(cacheBytes)} |`,
);

const privileges = Object.entries(VSPHERE_PRIVILEGES).map(
  ([purpose, ids]) => `- To ${purpose}: ${ids.map((id) => `\`${id}\``).join(', ')}`,
);

writeOrCheck(
  'docs/preflight.md',
  `# Preflight rules

Generated from \`shared/domain/preflight/rules\` by \`npm run docs\`. There are ${RULES.length} rules. They look at facts that
were gathered before, and change nothing.

- **blocking**: the failback does not start. **warning**: for you to weigh. **info**: says what will happen.
- A fact that could not be found out never passes: the rule answers FB-PRE-001 with its own weight.
- A fact that a run does not ask for is said with FB-PRE-003 and does not stand in the way.
- A rule says nothing where it does not apply: rules about vSphere on Hyper-V or in the lab, rules about a
  new VM where the original one is used.
- Every finding names what is needed and what is there, with units; the code tells causes and what to do.

${rules.join('\n')}
## Size of a process server

Figures of Site Recovery for an additional process server. More changes need a second process server.

| changes a day, up to | vCPUs | memory | cache |
| --- | --- | --- | --- |
${sizes.join('\n')}

## Privileges in vCenter

The account of the configuration server needs them on the data centre, passed down to all below it, and
\`Global.Licenses\` at the root. In Azure VMware Solution ${NOT_ASKED_IN_AVS.join(', ')} is not asked for; the role CloudAdmin has all
others.

${privileges.join('\n')}
`,
);
