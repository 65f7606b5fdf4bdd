import { loadKeys } from '../functions-host/http/keys.ts';
import { type ArmRoute, IN_GROUP, name, ok, route } from './router.ts';

/**
 * Stand-in for `Web Apps - List Host Keys` and `- List Function Keys`: the keys that the lab's Functions host checks.
 * Both answer a POST without a body; every name of a Function App is that of the lab's.
 */
export function functionAppRoutes(hostFolder: string | undefined): readonly ArmRoute[] {
  if (hostFolder === undefined) return [];
  const site = `${IN_GROUP}Web/sites/{site}`;
  return [
    route('webApps.listHostKeys', 'POST', `${site}/host/default/listkeys`, () => {
      const { master, durable, host } = loadKeys(hostFolder);
      return ok({
        masterKey: master,
        functionKeys: host,
        systemKeys: { durabletask_extension: durable },
      });
    }),
    route('webApps.listFunctionKeys', 'POST', `${site}/functions/{function}/listkeys`, (request) =>
      ok(loadKeys(hostFolder).functions[name(request, 'function')] ?? {}),
    ),
  ];
}
