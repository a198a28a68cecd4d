/**
 * The alert rules and the dashboard: checked by promtool, and each query asked of a real Prometheus that scrapes a real service with
 * traffic. Without Debian's `prometheus` on the machine this is skipped.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { EXAMPLE } from '../example.ts'
import { freePort } from '../postgres-server.ts'
import { missing } from '../programs.ts'
import { killedWithUs } from '../run/reaper.ts'
import { dataFolder, startService } from '../service.ts'
import { logSettings } from '../shared-postgres.ts'
import { until } from '../until.ts'

const skip = missing('promtool', 'prometheus')

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

const dashboard = JSON.parse(readFileSync('docker/grafana/dashboards/day7.json', 'utf8')) as {
  readonly uid: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}
const rules = (
  parse(readFileSync('docker/prometheus/alerts.yml', 'utf8')) as {
    groups: { rules: { alert: string; expr: string; labels: { severity: string } }[] }[]
  }
).groups.flatMap((group) => group.rules)

/** As Grafana fills them in. */
const filled = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5s').replaceAll('$instance', '.*').replaceAll('${facet}', 'country')
const queries = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, expr: filled(expr) })),
  ),
  ...dashboard.annotations.list.map(({ expr }) => ({ title: 'annotation', expr: filled(expr) })),
]

t.test('promtool', { skip }, (t) => {
  for (const args of [
    ['check', 'config', 'docker/prometheus/prometheus.yml'],
    ['check', 'rules', '--lint=all', '--lint-fatal', 'docker/prometheus/alerts.yml'],
    ['test', 'rules', 'docker/prometheus/alerts.test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
    t.equal(status, 0, `promtool ${args.join(' ')}\n${stdout}${stderr}`)
  }
  t.end()
})

t.test('every alert has a test and a line of what to do', (t) => {
  const tested = readFileSync('docker/prometheus/alerts.test.yml', 'utf8')
  const page = readFileSync('docs/observability.md', 'utf8')
  for (const { alert, labels } of rules) {
    t.match(tested, new RegExp(`alertname: ${alert}\\n\\s+exp_alerts`), `${alert} fires in a test`)
    t.match(tested, `alertname: ${alert} }`, `${alert} does not fire in a test`)
    t.match(
      page,
      new RegExp(`^\\| \`${alert}\` +\\| ${labels.severity} +\\|`, 'm'),
      `${alert} is in the docs`,
    )
  }
  t.end()
})

t.test('the dashboard is laid out', (t) => {
  const { panels } = dashboard
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  t.same(
    panels.filter(({ type }) => type === 'row').map(({ title }) => title),
    ['Service', 'Models', 'Prediction log', 'Business'],
  )
  const taken = new Set<string>()
  for (const { title, gridPos } of panels)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        if (x >= 24 || taken.has(`${x} ${y}`)) t.fail(`${title} lies on another panel or beside the page`)
        taken.add(`${x} ${y}`)
      }
  for (const { title, targets = [] } of panels)
    for (const { datasource } of targets) t.equal(datasource.uid, '${datasource}', title)
  t.same(
    dashboard.templating.list.map(({ name, type }) => [name, type]),
    [
      ['datasource', 'datasource'],
      ['instance', 'query'],
      ['facet', 'query'],
    ],
  )
  const provider = parse(readFileSync('docker/grafana/provisioning/dashboards/day7.yml', 'utf8'))
  t.match(provider.providers[0], { type: 'file', options: { path: '/var/lib/grafana/dashboards' } })
  const source = parse(readFileSync('docker/grafana/provisioning/datasources/prometheus.yml', 'utf8'))
  t.match(source.datasources[0], { type: 'prometheus', uid: 'prometheus', isDefault: true })
  t.end()
})

t.test('a real Prometheus answers each query', { skip }, async (t) => {
  const service = await startService(t, await logSettings(t))
  const prometheus = await startPrometheus(t, new URL(service.url).host)
  const post = async (path: string, body: unknown) => {
    const response = await fetch(service.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    await response.text()
  }
  const traffic = async () => {
    await post('/predict', EXAMPLE)
    await post('/predict', {})
    await post('/batch_predict', { users: Array.from({ length: 100 }, () => EXAMPLE) })
    await fetch(`${service.url}/nowhere`)
  }
  const scrapes = async () =>
    Number((await prometheus.query('max(count_over_time(up[1m]))'))[0]?.value[1] ?? 0)
  await until('seven scrapes', async () => {
    await traffic()
    return (await scrapes()) >= 7
  })

  t.match(await prometheus.query('up'), [{ value: [Number, '1'] }])
  const input = await (await fetch(`${service.url}/metrics`)).text()
  const checked = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
  t.same([checked.status, checked.stdout, checked.stderr], [0, '', ''], 'promtool finds no fault')
  for (const { title, expr } of queries) {
    const result = await prometheus.query(expr)
    t.ok(
      result.some(({ value }) => value[1] !== 'NaN'),
      `${title}: ${expr}`,
    )
  }

  const known = new Set(await prometheus.get<string[]>('/api/v1/label/__name__/values'))
  for (const { expr } of [...queries, ...rules])
    for (const name of metricsIn(expr)) t.ok(known.has(name), `there is a ${name}`)

  const { groups } = await prometheus.get<{
    groups: { rules: { name: string; health: string; lastError?: string }[] }[]
  }>('/api/v1/rules')
  const evaluated = groups.flatMap((group) => group.rules)
  t.equal(evaluated.length, rules.length)
  for (const { name, health, lastError } of evaluated) t.equal(health, 'ok', `${name} ${lastError ?? ''}`)

  const [series] = await prometheus.query('scrape_samples_scraped')
  t.ok(Number(series!.value[1]) < 1500, `${series!.value[1]} series`)
  t.comment(`${series!.value[1]} series`)
})

interface Result {
  readonly metric: Record<string, string>
  readonly value: readonly [number, string]
}

/** With the files of docker/prometheus, but faster, and scraping this address. */
async function startPrometheus(t: Test, target: string) {
  const folder = dataFolder(t)
  cpSync('docker/prometheus', folder, { recursive: true })
  mkdirSync(join(folder, 'data'))
  const file = join(folder, 'prometheus.yml')
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replaceAll('interval: 15s', 'interval: 1s')
      .replace(/dns_sd_configs:[^]*?port: 5001/, `static_configs:\n      - targets: ['${target}']`),
  )
  const port = await freePort()
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'inherit' },
  )
  killedWithUs(prometheus)
  t.teardown(() => ended(prometheus))
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(`${path}: ${error}`)
    return data
  }
  await until('Prometheus is ready', () =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return {
    get,
    query: async (expr: string) =>
      (await get<{ result: Result[] }>(`/api/v1/query?query=${encodeURIComponent(expr)}`)).result,
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

/** Names of metrics in an expression: what is followed by a selector, a range, or nothing. */
function metricsIn(expr: string): string[] {
  return [...new Set(expr.match(/\b(day7|http|nodejs|process)_\w+|\bup\b(?=\{)/g))]
}
