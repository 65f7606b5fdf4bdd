/** What a handler gets: the names in the path, and the parsed body. */
export interface ArmRequest {
  readonly names: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export type ArmAnswer =
  | { readonly kind: 'ok'; readonly body: unknown; readonly status?: number }
  | { readonly kind: 'none' }
  /** A long-running operation; `body` is what a PUT shows while it runs. */
  | { readonly kind: 'accepted'; readonly operationId: string; readonly body?: unknown };

export type ArmHandler = (request: ArmRequest) => ArmAnswer | Promise<ArmAnswer>;

export interface ArmRoute {
  readonly operation: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly handle: ArmHandler;
}

export function ok(body: unknown, status = 200): ArmAnswer {
  return { kind: 'ok', body, status };
}

/** `Compute/disks/{disk}` below a resource group; paths of ARM are case-insensitive. */
export function route(
  operation: string,
  method: string,
  path: string,
  handle: ArmHandler,
): ArmRoute {
  const pattern = path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return {
    operation,
    method,
    pattern: new RegExp(`^/subscriptions/[^/]+/${pattern}$`, 'i'),
    handle,
  };
}

export const IN_GROUP = 'resourceGroups/{group}/providers/Microsoft.';

export function findRoute(
  routes: readonly ArmRoute[],
  method: string,
  path: string,
): { route: ArmRoute; names: Readonly<Record<string, string>> } | null {
  for (const each of routes) {
    const match = each.method === method ? each.pattern.exec(path) : null;
    if (match === null) continue;
    const groups = Object.entries(match.groups ?? {});
    const names = Object.fromEntries(groups.map(([k, v]) => [k, decodeURIComponent(v)]));
    return { route: each, names };
  }
  return null;
}

/** A name that the route's pattern guarantees. */
export function name(request: ArmRequest, key: string): string {
  return request.names[key] ?? '';
}
