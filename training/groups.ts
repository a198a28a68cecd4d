/**
 * The packages of `training/`: a base, and groups that only some commands and tests need. Each has a list, `requirements-GROUP.in`, and a
 * lock file with hashes beside it.
 */

/** In this order they are locked: each takes the versions of those before it. */
export const GROUPS = ['mlflow', 'mlflow-ui', 'dask', 'notebook', 'spark', 'lint'] as const
export type Group = (typeof GROUPS)[number]

/** Of the base where no group is given; without the ending. */
export const listOf = (group?: Group): string => (group ? `requirements-${group}` : 'requirements')
