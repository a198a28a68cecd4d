/**
 * The files of the deployment as far as they can be judged without running them: against the compose specification, against the settings
 * and routes of the service, and against each other. `npm run test:deployment` builds and runs them.
 */
import { globSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { BlockList } from 'node:net'
import { dirname, join } from 'node:path'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { GROUPS, listOf } from '../../training/groups.ts'
import t from 'tap'
import { parse } from 'yaml'
import { fileSettingOf, readConfig, SETTINGS } from '../../src/config/index.ts'
import { readStages, valuesOf } from './dockerfile.ts'
import {
  DOCKERFILES,
  KUBERNETES,
  OVERLAYS,
  type Manifest,
  readCompose,
  readManifests,
  readSettings,
  withDefaults,
} from './files.ts'

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const { version: VERSION, devDependencies } = json('package.json') as {
  version: string
  devDependencies: { node: string }
}
const { services, volumes, networks } = readCompose()
const compose = Object.entries(services)

const base = readManifests('base')
const ofKind = (kind: string): Manifest => {
  const found = base.filter((manifest) => manifest.kind === kind)
  if (found.length !== 1) throw new Error(`expected one ${kind}, found ${found.length}`)
  return found[0]
}

const SETTING_NAMES = new Set([...SETTINGS.map(({ name }) => name), ...SETTINGS.map(fileSettingOf)])

t.test('compose.yaml keeps to the specification', (t) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  for (const [name, format] of Object.entries(fullFormats)) ajv.addFormat(name, format)
  for (const name of ['ports', 'expose', 'subnet_ip_address']) ajv.addFormat(name, true)
  const validate = ajv.compile(json('test/fixtures/compose/compose-spec.json'))
  const file = parse(readFileSync('compose.yaml', 'utf8'), { merge: true })
  t.ok(validate(file), JSON.stringify(validate.errors))
  t.notOk(
    validate({ ...file, services: { api: { imagine: 'day7' } } }),
    'the schema refuses what it does not know',
  )
  t.end()
})

t.test('what is started', (t) => {
  const withProfiles = (...active: string[]) =>
    compose
      .filter(
        ([, { profiles = [] }]) => profiles.length === 0 || profiles.some((one) => active.includes(one)),
      )
      .map(([name]) => name)
  // `secrets` makes the passwords and ends.
  t.same(withProfiles().toSorted(), ['api', 'db', 'mlflow', 'secrets'])
  const full = ['api', 'api-2', 'db', 'grafana', 'mlflow', 'nginx', 'prometheus', 'redis', 'secrets']
  t.same(withProfiles('full').toSorted(), full)
  t.same(withProfiles('balanced', 'shared', 'observed').toSorted(), full, '`full` is all of them')
  for (const [name, { depends_on = {} }] of compose)
    for (const other of Object.keys(depends_on)) t.ok(services[other], `${name} waits for ${other}`)
  t.equal(services['api']!.depends_on!['db']!.condition, 'service_healthy')
  t.equal(services['nginx']!.depends_on!['api-2']!.condition, 'service_healthy')
  t.end()
})

t.test('nobody else reaches a port, and nothing runs with more rights than it needs', (t) => {
  for (const [name, service] of compose) {
    for (const port of service.ports ?? []) t.match(port, /^127\.0\.0\.1:/, `${name}: ${port}`)
    if (name === 'db') continue // its image starts as root, makes the folder its own, and becomes another user
    t.equal(service.read_only, true, `${name} writes only to its volumes`)
    t.same(service.cap_drop, ['ALL'], name)
  }
  t.equal(services['db']!.ports, undefined)
  t.same(services['db']!.networks, ['data'])
  t.end()
})

t.test('no service takes all memory', (t) => {
  for (const [name, { mem_limit: limit }] of compose)
    t.match(withDefaults(limit ?? 'none'), /^[1-9]\d*[mg]$/, `${name} has a limit`)
  t.end()
})

t.test('nginx alone says for whom a request is, and nobody else can have its address', (t) => {
  const trusted = withDefaults(services['api']!.environment!['TRUST_PROXY']!)
  t.same(readConfig({ TRUST_PROXY: trusted }).trustProxy, [trusted])
  const [network, ...others] = Object.entries(services['nginx']!.networks!)
  t.same(others, [], 'from another network it would come with another address')
  const [name, { ipv4_address: address }] = network as [string, { ipv4_address: string }]
  t.equal(withDefaults(address), trusted)
  const [first, bits] = withDefaults(networks[name]!.ipam!.config[0]!.subnet).split('/') as [string, string]
  const list = new BlockList()
  list.addSubnet(first, Number(bits))
  t.ok(list.check(trusted), 'it is in its network')
  const there = compose.filter(([, { networks = [] }]) => Object.keys(networks).includes(name))
  t.same(there.map(([name]) => name).toSorted(), ['api', 'api-2', 'nginx'])
  t.end()
})

t.test('no deployment believes a network that callers are in', (t) => {
  for (const path of [...globSync(`${KUBERNETES}/**/*.{yaml,env}`), 'compose.yaml'])
    t.notMatch(readFileSync(path, 'utf8'), /TRUST_PROXY\W.*(uniquelocal|linklocal|\/\d)/, path)
  t.end()
})

t.test('volumes and files that are mounted exist', (t) => {
  for (const [name, service] of compose)
    for (const volume of service.volumes ?? []) {
      const [source] = volume.split(':') as [string]
      if (source.startsWith('.')) t.ok(existsSync(source), `${name}: ${source}`)
      else t.ok(Object.hasOwn(volumes, source), `${name}: ${source}`)
    }
  t.end()
})

t.test('every name in an environment of the service is a setting', (t) => {
  const given = ['api', 'api-2'].flatMap((name) => Object.keys(services[name]!.environment!))
  const literals = OVERLAYS.flatMap((overlay) =>
    (
      parse(readFileSync(join(KUBERNETES, overlay, 'kustomization.yaml'), 'utf8')) as Manifest
    ).configMapGenerator.flatMap((one: Manifest) =>
      one.literals.map((literal: string) => literal.split('=', 1)[0]),
    ),
  )
  const settings = readSettings(`${KUBERNETES}/base/settings.env`)
  for (const name of new Set([...given, ...literals, ...settings.keys()])) t.ok(SETTING_NAMES.has(name), name)

  // And the values are right.
  const inCompose = services['api']!.environment!
  const url = () => 'postgres://day7:day7@db:5432/day7'
  for (const environment of [
    Object.fromEntries(Object.entries(inCompose).map(([name, value]) => [name, withDefaults(value)])),
    Object.fromEntries(settings),
  ])
    t.same(readConfig(environment, url).database, { url: url() })
  t.end()
})

t.test('there is time to answer and to ship before a container is killed', (t) => {
  const SPARE_MS = 5_000
  const { shutdownGraceMs } = readConfig({})
  t.ok(Number.parseInt(services['api']!.stop_grace_period!, 10) * 1000 >= shutdownGraceMs + SPARE_MS)

  const settings = readSettings(`${KUBERNETES}/base/settings.env`)
  const neededMs =
    Number(settings.get('SHUTDOWN_DRAIN_MS')) + Number(settings.get('SHUTDOWN_GRACE_MS')) + SPARE_MS
  t.ok(ofKind('Deployment').spec.template.spec.terminationGracePeriodSeconds * 1000 >= neededMs)
  t.end()
})

t.test('the Dockerfiles', (t) => {
  const ignored = readFileSync('.dockerignore', 'utf8').split('\n')
  t.equal(ignored[1], '*', 'nothing goes in but what is named')
  for (const path of DOCKERFILES) {
    const stages = readStages(path)
    const last = stages.at(-1)!
    t.ok(stages.length > 1, `${path} has stages`)
    for (const { base } of stages)
      t.match(
        base,
        /^\w+:\d+\.\d+\.\d+-[\w-]+(@sha256:[0-9a-f]{64})?$|^packages$/,
        `${path}: ${base} is one version`,
      )
    t.same(valuesOf(last, 'USER'), ['1000:1000'], 'not root, and a number: Kubernetes asks for one')
    t.equal(valuesOf(last, 'HEALTHCHECK').length, 1)
    t.equal(valuesOf(last, 'ENTRYPOINT').length, 1)
    t.match(valuesOf(last, 'ENTRYPOINT')[0], /^\[/, 'no shell before it, which would keep the signals')
    t.same(valuesOf(last, 'VOLUME'), ['/data'])
    t.ok(valuesOf(last, 'ARG').includes(`VERSION=${VERSION}`), 'the version of package.json')
    t.match(valuesOf(last, 'LABEL')[0], /org\.opencontainers\.image\.version="\$\{VERSION\}"/)
    for (const stage of stages) {
      t.same(valuesOf(stage, 'ADD'), [])
      for (const text of [...valuesOf(stage, 'ENV'), ...valuesOf(stage, 'ARG')])
        t.notMatch(text, /secret|password|token|_key/i, 'no secret stays in the image')
      for (const copy of valuesOf(stage, 'COPY').filter((copy) => !copy.includes('--from=')))
        for (const source of copy.split(/\s+/).slice(0, -1)) {
          t.ok(existsSync(source), `${path}: ${source}`)
          t.ok(
            ignored.some((line) => line === `!${source}`),
            `.dockerignore lets ${source} in`,
          )
        }
    }
  }
  t.ok(
    readStages('docker/Dockerfile').every(
      ({ base }) => base.startsWith(`node:${devDependencies.node}-`) || base === 'packages',
    ),
  )
  t.end()
})

t.test('one version everywhere', (t) => {
  for (const [name, { image }] of compose) {
    t.match(image, /:[v\d]|:\$\{DAY7_VERSION:-\d/, `${name}: ${image}`)
    if (image.startsWith('day7')) t.match(image, `\${DAY7_VERSION:-${VERSION}}`)
  }
  for (const path of globSync(`${KUBERNETES}/**/kustomization.yaml`))
    for (const image of (parse(readFileSync(path, 'utf8')) as Manifest).images ?? [])
      t.equal(image.newTag, VERSION, path)
  t.end()
})

t.test('packages of the Python images are those that the tests ran with', (t) => {
  const pinsOf = (path: string) => readFileSync(path, 'utf8').match(/^[\w.-]+==[^ ;\\]+/gm)!
  const lists = [undefined, ...GROUPS].map((group) => `training/${listOf(group)}.lock`)
  const tested = new Set(lists.flatMap((lock) => [...pinsOf(lock)]))
  for (const folder of ['training', 'mlflow'])
    for (const pin of pinsOf(`docker/${folder}/requirements.lock`)) t.ok(tested.has(pin), `${folder}: ${pin}`)
  t.end()
})

t.test('the manifests belong together', (t) => {
  for (const path of globSync(`${KUBERNETES}/**/kustomization.yaml`)) {
    const {
      resources = [],
      components = [],
      configMapGenerator = [],
    } = parse(readFileSync(path, 'utf8')) as Manifest
    const files = [
      ...resources,
      ...components,
      ...configMapGenerator.flatMap(({ envs = [] }: Manifest) => envs),
    ]
    for (const file of files) t.ok(existsSync(join(dirname(path), file)), `${path}: ${file}`)
  }
  const { spec } = ofKind('Deployment')
  t.same(spec.selector.matchLabels, spec.template.metadata.labels)
  for (const constraint of spec.template.spec.topologySpreadConstraints)
    t.same(constraint.labelSelector.matchLabels, spec.selector.matchLabels)
  t.same(ofKind('PodDisruptionBudget').spec.selector.matchLabels, spec.selector.matchLabels)
  t.same(ofKind('Service').spec.selector, spec.selector.matchLabels)
  t.match(ofKind('HorizontalPodAutoscaler').spec.scaleTargetRef, { kind: 'Deployment', name: 'day7' })
  t.equal(ofKind('HorizontalPodAutoscaler').spec.metrics.length, 2)
  t.ok(
    Object.entries(ofKind('NetworkPolicy').spec.podSelector.matchLabels).every(
      ([label, value]) => spec.template.metadata.labels[label] === value,
    ),
  )
  t.end()
})

t.test('pods', (t) => {
  const environment = readConfig(
    Object.fromEntries(readSettings(`${KUBERNETES}/base/settings.env`)),
    () => 'postgres://h/d',
  )
  for (const { spec } of [ofKind('Deployment'), ofKind('Job')]) {
    const pod = spec.template.spec
    t.match(pod.securityContext, {
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    t.equal(pod.automountServiceAccountToken, false)
    for (const container of pod.containers) {
      t.match(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      t.ok(container.resources.requests.cpu && container.resources.limits.memory)
    }
  }
  const [container] = ofKind('Deployment').spec.template.spec.containers
  t.equal(container.ports[0].containerPort, environment.port)
  t.equal(container.startupProbe.httpGet.path, '/health/live')
  t.equal(container.livenessProbe.httpGet.path, '/health/live')
  t.equal(container.readinessProbe.httpGet.path, '/health/ready')
  t.equal(
    container.volumeMounts[0].mountPath,
    /DATA_DIR=(\S+)/.exec(readFileSync('docker/Dockerfile', 'utf8'))![1],
  )
  const secret = environment.database
  t.same(secret, { url: 'postgres://h/d' }, 'the address is read from the Secret')
  t.end()
})

t.test('passwords are made once', (t) => {
  const folder = t.testdir()
  for (const name of ['database', 'grafana']) mkdirSync(join(folder, name))
  const make = () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['docker/make-secrets.mjs', folder], {
      encoding: 'utf8',
    })
    t.match({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
    return ['database/database_password', 'database/database_url', 'grafana/password'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    )
  }
  const [password, url, grafana] = make()
  t.match(password, /^[0-9a-f]{48}$/)
  t.equal(url, `postgres://day7:${password}@db:5432/day7`)
  t.match(grafana, /^[0-9a-f]{48}$/)
  t.not(grafana, password)
  t.same(make(), [password, url, grafana])
  t.equal(
    statSync(join(folder, 'database/database_url')).mode & 0o444,
    0o444,
    'the users of the volume can read it',
  )
  t.end()
})
