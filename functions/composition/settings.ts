import { z } from 'zod';
import { bandwidthScheduleSchema } from '../../shared/contracts/bandwidth-schedule.ts';
import { identifierSchema } from '../../shared/contracts/json.ts';
import { Secret } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { DEFAULT_KEY_ROLES, keyRolesSchema } from '../security/key-roles.ts';
import { ROLES } from '../security/roles.ts';

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));

/** Checked here, because a deployed process server that refuses it would never register. */
const bandwidth = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON, such as {"defaultMbps": 200}' });
      return z.NEVER;
    }
  })
  .pipe(bandwidthScheduleSchema);

const SITE_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Web\/sites\/[^/]+(\/slots\/[^/]+)?$/i;
/** `{"name": "secret"}`; short secrets can be guessed from one signature. */
const webhookSecrets = z
  .string()
  .default('{}')
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON, such as {"name": "secret"}' });
      return z.NEVER;
    }
  })
  .pipe(z.record(identifierSchema, z.string().min(16, 'a secret has at least 16 characters')))
  .transform(
    (secrets): ReadonlyMap<string, Secret> =>
      new Map(Object.entries(secrets).map(([name, value]) => [name, new Secret(value)])),
  );

/** At least a day, so that nothing goes that a job or a request still works with. */
const days = (byDefault: number): z.ZodPrefault<z.ZodCoercedNumber<string>> =>
  z.coerce.number<string>().int().min(1).max(3650).prefault(String(byDefault));

/** Application settings, by the names they have in the Function App. */
const settingsSchema = z
  .object({
    FAILBACK_STORAGE_CONNECTION: secret.optional(),
    FAILBACK_STORAGE_ACCOUNT: z.string().min(3).max(24).optional(),
    FAILBACK_STORAGE_SUFFIX: z.string().default('core.windows.net'),
    FAILBACK_SUBSCRIPTION_ID: z.uuid(),
    FAILBACK_ARM_ENDPOINT: z.url().default('https://management.azure.com'),
    FAILBACK_PUBLIC_URL: z.url(),
    FAILBACK_REGISTRATION_TOKEN: secret,
    FAILBACK_PASSPHRASE: secret,
    FAILBACK_AGENT_PACKAGE_URL: z.url(),
    FAILBACK_PROCESS_SERVER_SIZE: z.string().default('Standard_F4s_v2'),
    FAILBACK_PROCESS_SERVER_SSH_KEY: z.string().min(1),
    FAILBACK_PROCESS_SERVER_IMAGE: z
      .string()
      .regex(/^[^:]+:[^:]+:[^:]+:[^:]+$/, 'publisher:offer:sku:version')
      .default('Debian:debian-12:12-gen2:latest'),
    FAILBACK_PROCESS_SERVER_BANDWIDTH: bandwidth.optional(),
    FAILBACK_KEY_ROLES: keyRolesSchema.prefault(DEFAULT_KEY_ROLES),
    FAILBACK_FUNCTION_APP_ID: z
      .string()
      .regex(SITE_ID, '/subscriptions/…/resourceGroups/…/providers/Microsoft.Web/sites/…')
      .optional(),
    FAILBACK_LOCAL_ROLE: z.enum(ROLES).optional(),
    // Set by App Service, respectively by Core Tools.
    WEBSITE_AUTH_ENABLED: z.string().optional(),
    WEBSITE_OWNER_NAME: z.string().optional(),
    WEBSITE_RESOURCE_GROUP: z.string().optional(),
    WEBSITE_SITE_NAME: z.string().optional(),
    AZURE_FUNCTIONS_ENVIRONMENT: z.string().optional(),
    FAILBACK_WEBHOOK_SECRETS: webhookSecrets,
    FAILBACK_KEEP_EVENTS_DAYS: days(400),
    FAILBACK_KEEP_PREFLIGHTS_DAYS: days(30),
    FAILBACK_KEEP_IDEMPOTENCY_DAYS: days(2),
    FAILBACK_KEEP_COMMANDS_DAYS: days(90),
    FAILBACK_KEEP_POINTS_DAYS: days(30),
  })
  .refine((it) => it.FAILBACK_STORAGE_CONNECTION ?? it.FAILBACK_STORAGE_ACCOUNT, {
    path: ['FAILBACK_STORAGE_CONNECTION'],
    message: 'set this, or FAILBACK_STORAGE_ACCOUNT to use the managed identity',
  });

export type Settings = z.output<typeof settingsSchema>;

/** Reads all settings; throws one FB-REQ-009 that names everything that is wrong. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = settingsSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ');
  throw new FailbackError('FB-REQ-009', { problems });
}
