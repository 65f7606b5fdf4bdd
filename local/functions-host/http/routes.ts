import type { Binding, RegisteredFunction } from '../core-module.ts';
import type { AuthLevel } from './keys.ts';

export interface HttpRoute {
  readonly functionName: string;
  readonly methods: readonly string[];
  readonly authLevel: AuthLevel;
  readonly segments: readonly string[];
}

export interface RouteMatch {
  readonly route: HttpRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** Every HTTP trigger of the app with its route below the prefix of host.json. */
export function httpRoutes(
  functions: Iterable<RegisteredFunction>,
  prefix: string,
): readonly HttpRoute[] {
  return [...functions].flatMap(({ metadata }) => {
    const trigger = Object.values(metadata.bindings).find(({ type }) => type === 'httpTrigger');
    if (trigger === undefined) return [];
    const route = typeof trigger['route'] === 'string' ? trigger['route'] : metadata.name;
    return {
      functionName: metadata.name,
      methods: methodsOf(trigger),
      authLevel: levelOf(trigger),
      segments: `${prefix}/${route}`.split('/').filter((segment) => segment !== ''),
    };
  });
}

/** Fixed segments beat parameters. `null`: no such path; an empty list of matches: wrong method. */
export function matchRoute(
  routes: readonly HttpRoute[],
  method: string,
  path: string,
): RouteMatch | 'methodNotAllowed' | null {
  const segments = path.split('/').filter((segment) => segment !== '');
  const matches = routes
    .flatMap((route) => {
      const params = matchSegments(route.segments, segments);
      return params === null ? [] : [{ route, params }];
    })
    .toSorted((a, b) => Object.keys(a.params).length - Object.keys(b.params).length);
  if (matches.length === 0) return null;
  return matches.find(({ route }) => route.methods.includes(method)) ?? 'methodNotAllowed';
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | null {
  const isCatchAll = pattern.at(-1)?.startsWith('{*') === true;
  if (!isCatchAll && segments.length > pattern.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const name = /^\{\*?(\w+)(?::\w+)?\??\}$/.exec(part)?.[1];
    const value = part.startsWith('{*') ? segments.slice(index).join('/') : segments[index];
    if (name === undefined) {
      if (value?.toLowerCase() !== part.toLowerCase()) return null;
    } else if (value !== undefined) {
      params[name] = decodeURIComponent(value);
    } else if (!part.endsWith('?}')) {
      return null;
    }
  }
  return params;
}

function methodsOf(trigger: Binding): readonly string[] {
  const methods: unknown = trigger['methods'];
  const isList = Array.isArray(methods) && methods.length > 0;
  return isList ? methods.map((method) => String(method).toUpperCase()) : ['GET', 'POST'];
}

function levelOf(trigger: Binding): AuthLevel {
  const level = trigger['authLevel'];
  return level === 'anonymous' || level === 'admin' ? level : 'function';
}
