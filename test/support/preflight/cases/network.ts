import type { PreflightFacts } from '../../../../shared/domain/preflight/facts.ts';
import { alternateOnAvs, lab, originalOnVcenter } from '../good-facts.ts';
import { factsWith, type RuleCases } from '../rule-cases.ts';

const GB = 1e9;
const LINE = 'azureNetwork.connection';
const inLab = ['it is the lab', lab] as const;
const toBeDeployed = { kind: 'toBeDeployed', freeSubnetAddressCount: 1 };
const notYet = ['it is not deployed yet', { processServer: toBeDeployed }] as const;

const expressRoute = {
  kind: 'expressRoute',
  peerings: ['AzurePrivatePeering', 'MicrosoftPeering'],
  hasStoragePrivateEndpoint: false,
} as const;
const onExpressRoute = (): PreflightFacts => factsWith(originalOnVcenter, { [LINE]: expressRoute });
const beforeDeployment = (): PreflightFacts =>
  factsWith(originalOnVcenter, { processServer: toBeDeployed });

/** Up to 250 GB of changes a day the smallest size is enough. */
const atTheBorder = (): PreflightFacts =>
  factsWith(originalOnVcenter, {
    'protection.changeBytesPerDay': 100 * GB,
    'processServer.otherChangeBytesPerDay': 150 * GB,
    'processServer.memoryBytes': 8 * GB,
    'processServer.cacheBytes': 300 * GB,
  });

export const NETWORK_CASES: readonly RuleCases[] = [
  {
    rule: 'azure.network.connected',
    code: 'FB-PRE-086',
    violated: [
      ['there is no line', { [LINE]: { kind: 'none' } }, { actual: 'none' }],
      ['the VPN is down', { [`${LINE}.isConnected`]: false }, { actual: 'a VPN that is down' }],
    ],
    passes: [['there is ExpressRoute', { [LINE]: expressRoute }]],
    doesNotApply: [inLab],
    unknown: ['azureNetwork', LINE, `${LINE}.isConnected`],
  },
  {
    rule: 'azure.network.storage-peering',
    code: 'FB-PRE-087',
    base: onExpressRoute,
    violated: [
      [
        'only private addresses are carried',
        { [`${LINE}.peerings`]: ['AzurePrivatePeering'] },
        { actual: 'AzurePrivatePeering' },
      ],
      ['no peering is up', { [`${LINE}.peerings`]: [] }, { actual: 'none' }],
    ],
    passes: [
      [
        'storage has private endpoints',
        {
          [`${LINE}.peerings`]: ['AzurePrivatePeering'],
          [`${LINE}.hasStoragePrivateEndpoint`]: true,
        },
      ],
      ['the circuit is an old one', { [`${LINE}.peerings`]: ['AzurePublicPeering'] }],
    ],
    doesNotApply: [inLab, ['there is a VPN', originalOnVcenter]],
    unknown: [
      'azureNetwork',
      LINE,
      `${LINE}.peerings`,
      [`${LINE}.hasStoragePrivateEndpoint`, { [`${LINE}.peerings`]: ['AzurePrivatePeering'] }],
    ],
  },
  {
    rule: 'azure.network.express-route-to-avs',
    code: 'FB-PRE-088',
    severity: 'warning',
    base: alternateOnAvs,
    violated: [
      ['there is a VPN', { [LINE]: { kind: 'siteToSiteVpn', isConnected: true } }],
      ['there is no line', { [LINE]: { kind: 'none' } }, { actual: 'none' }],
    ],
    doesNotApply: [inLab, ['it is another vCenter', originalOnVcenter]],
    unknown: ['site', 'site.management', 'azureNetwork', LINE],
  },
  {
    rule: 'process-server.registered',
    code: 'FB-PRE-080',
    violated: [['there is none', { processServer: { kind: 'missing' } }]],
    passes: [['one will be deployed', { processServer: toBeDeployed }]],
    unknown: ['processServer'],
  },
  {
    rule: 'process-server.heartbeat.fresh',
    code: 'FB-PRE-081',
    violated: [
      [
        'it was silent for 51 seconds',
        { 'processServer.lastHeartbeatAgeSeconds': 51 },
        { server: 'ps1', needed: 50, actual: 51 },
      ],
    ],
    passes: [['it was silent for 50 seconds', { 'processServer.lastHeartbeatAgeSeconds': 50 }]],
    doesNotApply: [notYet],
    unknown: ['processServer', 'processServer.lastHeartbeatAgeSeconds'],
  },
  {
    rule: 'process-server.ports.reachable',
    code: 'FB-PRE-082',
    violated: [
      ['the master target is not reached', { 'processServer.isPort9443Reachable': false }],
    ],
    doesNotApply: [notYet],
    unknown: ['processServer', 'processServer.isPort9443Reachable'],
  },
  {
    rule: 'process-server.network',
    code: 'FB-PRE-084',
    violated: [
      [
        'it is in another network',
        { 'processServer.location.virtualNetworkId': '/virtualNetworks/other' },
        { actual: '/virtualNetworks/other' },
      ],
      [
        'it is on-premises behind a VPN',
        { 'processServer.location': { kind: 'onPremises' } },
        { needed: 'expressRoute', actual: 'siteToSiteVpn' },
      ],
    ],
    passes: [
      [
        'its network is written in other letters',
        { 'processServer.location.virtualNetworkId': '/VIRTUALNETWORKS/DR' },
      ],
      [
        'it is on-premises with ExpressRoute',
        { 'processServer.location': { kind: 'onPremises' }, [LINE]: expressRoute },
      ],
    ],
    doesNotApply: [inLab, notYet],
    unknown: [
      'azureNetwork',
      'processServer',
      'processServer.location',
      'processServer.location.virtualNetworkId',
      'azureNetwork.virtualNetworkId',
      [LINE, { 'processServer.location': { kind: 'onPremises' } }],
    ],
  },
  {
    rule: 'process-server.subnet.free-address',
    code: 'FB-PRE-085',
    base: beforeDeployment,
    violated: [
      ['none is free', { 'processServer.freeSubnetAddressCount': 0 }, { needed: 1, actual: 0 }],
    ],
    doesNotApply: [['it is there already', originalOnVcenter]],
    unknown: ['processServer', 'processServer.freeSubnetAddressCount'],
  },
  {
    rule: 'process-server.size.for-change-rate',
    code: 'FB-PRE-083',
    severity: 'warning',
    base: atTheBorder,
    violated: [
      [
        'one byte more needs twice the processors',
        {
          'processServer.otherChangeBytesPerDay': 150 * GB + 1,
          'processServer.memoryBytes': 12 * GB,
          'processServer.cacheBytes': 600 * GB,
        },
        { what: 'processors in vCPUs', needed: 8, actual: 4, changeBytesPerDay: 250 * GB + 1 },
      ],
      [
        'a byte of memory is missing',
        { 'processServer.memoryBytes': 8 * GB - 1 },
        { what: 'memory in bytes', needed: 8 * GB, actual: 8 * GB - 1 },
      ],
      [
        'a byte of cache is missing',
        { 'processServer.cacheBytes': 300 * GB - 1 },
        { what: 'cache in bytes', needed: 300 * GB, actual: 300 * GB - 1 },
      ],
      [
        'the others alone need more, and the machine itself was never measured',
        {
          'protection.changeBytesPerDay': null,
          'processServer.otherChangeBytesPerDay': 250 * GB + 1,
          'processServer.memoryBytes': 12 * GB,
          'processServer.cacheBytes': 600 * GB,
        },
        { what: 'processors in vCPUs', needed: 8, actual: 4, changeBytesPerDay: 250 * GB + 1 },
      ],
      [
        'no size is enough',
        { 'processServer.otherChangeBytesPerDay': 1900 * GB + 1 },
        { what: 'changes', needed: 2000 * GB, actual: 2000 * GB + 1 },
      ],
    ],
    passes: [
      [
        'the largest size is just enough',
        {
          'processServer.otherChangeBytesPerDay': 1900 * GB,
          'processServer.cpuCount': 12,
          'processServer.memoryBytes': 24 * GB,
          'processServer.cacheBytes': 1000 * GB,
        },
      ],
    ],
    doesNotApply: [notYet],
    unknown: [
      'processServer',
      'protection.changeBytesPerDay',
      'processServer.otherChangeBytesPerDay',
      'processServer.cpuCount',
      'processServer.memoryBytes',
      'processServer.cacheBytes',
    ],
  },
];
