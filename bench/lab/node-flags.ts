/** Types are stripped without a flag only from Node 22.18 on. */
export const NODE_FLAGS = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
