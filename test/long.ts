/**
 * Whether this run has the time for all of it: `npm run test:long` has, and runs every test file that asks here.
 */
export const LONG = process.env['TEST_LONG'] === '1'

/** Of MLflow; the older one needs an environment of its own. */
export const GENERATIONS = LONG ? ([2, 3] as const) : ([3] as const)
