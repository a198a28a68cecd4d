/**
 * The lock file and what is installed → every package of the service with its licence. Refuses one whose licence is unknown, or is none
 * of those that ask for nothing but a notice: what is built with this can then be given to anybody. `npm run licences` prints the list.
 */
import { existsSync, readFileSync } from 'node:fs'

export interface Package {
  readonly name: string
  readonly version: string
  /** SPDX, or what the package says instead. */
  readonly licence: string
}

interface Locked {
  readonly version: string
  readonly dev?: boolean
  readonly license?: string
}

const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
])

/** What `npm ci --omit=dev` installs, by name. */
export function productionPackages(): Package[] {
  const { packages } = readJson('package-lock.json') as { packages: Record<string, Locked> }
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, locked]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: locked.version,
      // The package's own word; of one for another platform there is only the lock file's.
      licence: licenceOf(existsSync(`${path}/package.json`) ? readJson(`${path}/package.json`) : locked),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Of `A OR B` one is enough. */
export function isAllowed(licence: string): boolean {
  return licence
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => ALLOWED.has(part.trim())))
}

function licenceOf(described: object): string {
  const { license, licenses } = described as { license?: unknown; licenses?: { type?: unknown }[] }
  if (typeof license === 'string') return license
  // As it was written before SPDX.
  const types = [license as { type?: unknown }, ...(licenses ?? [])].map((one) => one?.type)
  return types.filter((type) => typeof type === 'string').join(' OR ') || 'unknown'
}

const readJson = (path: string): object => JSON.parse(readFileSync(path, 'utf8')) as object

if (import.meta.main) {
  const packages = productionPackages()
  const width = Math.max(...packages.map(({ name, version }) => `${name} ${version}`.length))
  for (const { name, version, licence } of packages)
    console.log(`${`${name} ${version}`.padEnd(width)}  ${licence}`)
  const refused = packages.filter(({ licence }) => !isAllowed(licence))
  for (const { name, version, licence } of refused)
    console.error(`not allowed: ${name} ${version}, ${licence}`)
  console.log(
    `${packages.length} packages, ${packages.length - refused.length} of them with a licence that is allowed`,
  )
  process.exitCode = refused.length > 0 ? 1 : 0
}
