import type { RpcCookie } from '../core-module.ts';

const SAME_SITE: Readonly<Record<string, string>> = {
  lax: 'Lax',
  strict: 'Strict',
  // The worker's plain 'none' means that nothing was set.
  explicitNone: 'None',
};

/** Value of a Set-Cookie header. */
export function cookieText(cookie: RpcCookie): string {
  const { name = '', value = '' } = cookie;
  return [
    `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    ...attribute('Domain', cookie.domain?.value),
    ...attribute('Path', cookie.path?.value),
    ...attribute('Expires', expiryOf(cookie.expires?.value)),
    ...attribute('Max-Age', cookie.maxAge?.value),
    ...flag('Secure', cookie.secure?.value),
    ...flag('HttpOnly', cookie.httpOnly?.value),
    ...attribute('SameSite', SAME_SITE[cookie.sameSite ?? '']),
  ].join('; ');
}

function attribute(name: string, value: string | number | undefined): readonly string[] {
  return value === undefined ? [] : [`${name}=${value}`];
}

function flag(name: string, isSet: boolean | undefined): readonly string[] {
  return isSet === true ? [name] : [];
}

/** The worker hands a date over as protobuf's seconds since 1970. */
function expiryOf(timestamp: unknown): string | undefined {
  if (typeof timestamp !== 'object' || timestamp === null) return undefined;
  if (!('seconds' in timestamp)) return undefined;
  return new Date(Number(timestamp.seconds) * 1000).toUTCString();
}
