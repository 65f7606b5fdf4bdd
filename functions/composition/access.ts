import { ArmAccessKeys } from '../../shared/adapters/azure/access-keys.ts';
import { createArmPipeline, type createCredential } from '../../shared/adapters/azure/clients.ts';
import type { AccessKeys } from '../../shared/ports/access-keys.ts';
import type { Clock } from '../../shared/ports/messaging.ts';
import type { AccessPolicy } from '../security/caller.ts';
import type { Settings } from './settings.ts';

export function accessPolicy(settings: Settings): AccessPolicy {
  const isLocal = settings.AZURE_FUNCTIONS_ENVIRONMENT === 'Development';
  return {
    keyRoles: settings.FAILBACK_KEY_ROLES,
    isSignInTrusted: settings.WEBSITE_AUTH_ENABLED?.toLowerCase() === 'true',
    localRole: isLocal ? (settings.FAILBACK_LOCAL_ROLE ?? null) : null,
  };
}

/** Where the app does not know which Function App it is, no key has a name, and none opens anything. */
export function createAccessKeys(
  settings: Settings,
  credential: ReturnType<typeof createCredential>,
  clock: Clock,
): AccessKeys {
  const functionAppId = functionAppIdOf(settings);
  if (functionAppId === null) return { nameOf: async () => null };
  const { FAILBACK_ARM_ENDPOINT: endpoint } = settings;
  const pipeline = createArmPipeline(endpoint, credential);
  return new ArmAccessKeys({ functionAppId, endpoint }, pipeline, clock);
}

/** App Service tells its apps their subscription as the first part of the owner: `<subscription>+<webspace>`. */
export function functionAppIdOf(settings: Settings): string | null {
  if (settings.FAILBACK_FUNCTION_APP_ID !== undefined) return settings.FAILBACK_FUNCTION_APP_ID;
  const { WEBSITE_OWNER_NAME, WEBSITE_RESOURCE_GROUP: group, WEBSITE_SITE_NAME: site } = settings;
  const [subscription] = WEBSITE_OWNER_NAME?.split('+') ?? [];
  if (subscription === undefined || group === undefined || site === undefined) return null;
  return `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Web/sites/${site}`;
}
