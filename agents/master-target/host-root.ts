/** Root of the file system with the machine's own `dev`, `proc` and `sys`: in a container it may be mounted elsewhere. */
export const HOST_ROOT = process.env['FAILBACK_HOST_ROOT'] ?? '/';
