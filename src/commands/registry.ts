/**
 * `publish`, `promote`, `pull` and `models`: bundles and the registry of the MLflow server that the settings name.
 */
import { type Config, ConfigError } from '../config/index.ts'
import type { MlflowClient } from '../mlflow/index.ts'
import type { VersionRow } from '../registry/index.ts'
import { tableOf, timeOf } from './table.ts'
import { argumentsOf, type Option, required, UsageError } from './usage.ts'

const JSON_OPTION: Option = { name: 'json', about: 'print what was done as JSON' }
export const PUBLISH_OPTIONS: readonly Option[] = [
  { name: 'bundle', value: 'DIR', about: 'folder of the bundle' },
  { name: 'alias', value: 'A', about: 'alias that is to point to it, such as challenger' },
  JSON_OPTION,
]
export const PROMOTE_OPTIONS: readonly Option[] = [
  { name: 'version', value: 'N', about: 'of the registered model' },
  JSON_OPTION,
]
export const PULL_OPTIONS: readonly Option[] = [
  { name: 'model', value: 'URI', about: 'models:/name@alias or models:/name/version' },
  { name: 'out', value: 'DIR', about: 'folder that is made' },
  JSON_OPTION,
]
export const MODELS_OPTIONS: readonly Option[] = [{ name: 'json', about: 'print them as JSON' }]

/** Between two requests of a person there is time to wait. */
const POLICY = { headersTimeoutMs: 120_000 }

export async function publish(args: readonly string[], config: Config): Promise<void> {
  const { values, flags } = argumentsOf('publish', args, PUBLISH_OPTIONS)
  const folder = required('publish', values['bundle'], '--bundle DIR')
  const alias = values['alias'] ?? null
  await withRegistry(config, async (client, name, { publishBundle }) => {
    const { runId, version, manifest } = await publishBundle(client, folder, { name, alias })
    if (flags.has('json'))
      return printJson({
        name,
        version,
        alias,
        run_id: runId,
        bundle: { name: manifest.name, version: manifest.version },
      })
    console.log(`uploaded and read back: ${manifest.files.size + 1} files, run ${runId}`)
    console.log(
      `${manifest.name} ${manifest.version} is ${name} version ${version}${alias === null ? '' : `, ${alias}`}`,
    )
  })
}

export async function promote(args: readonly string[], config: Config): Promise<void> {
  const { values, flags } = argumentsOf('promote', args, PROMOTE_OPTIONS)
  const version = required('promote', values['version'], '--version N')
  if (!/^\d+$/.test(version)) throw new UsageError(`promote: expected --version N, got "${version}"`)
  await withRegistry(config, async (client, name, { promoteVersion }) => {
    const promotion = await promoteVersion(client, name, version, { maxBytes: config.modelMaxBytes })
    if (flags.has('json')) {
      const { version, bundleVersion, previous, wasChallenger } = promotion
      return printJson({
        name,
        version,
        bundle_version: bundleVersion,
        previous,
        was_challenger: wasChallenger,
      })
    }
    const before = promotion.previous === null ? 'there was none' : `before: version ${promotion.previous}`
    console.log(`${name} version ${promotion.version} (${promotion.bundleVersion}) is champion; ${before}`)
    if (promotion.wasChallenger) console.log('there is no challenger any more')
  })
}

export async function pull(args: readonly string[], config: Config): Promise<void> {
  const { values, flags } = argumentsOf('pull', args, PULL_OPTIONS)
  const model = required('pull', values['model'], '--model models:/name@alias or models:/name/version')
  const out = required('pull', values['out'], '--out DIR')
  await withRegistry(config, async (client, _, { pullBundle }) => {
    const version = await client.resolveModel(model)
    const { manifest, goldenCount } = await pullBundle(client, version, out, {
      maxBytes: config.modelMaxBytes,
    })
    if (flags.has('json'))
      return printJson({
        name: version.name,
        version: version.version,
        out,
        bundle: { name: manifest.name, version: manifest.version },
        golden_predictions: goldenCount,
      })
    console.log(
      `${version.name} version ${version.version}: ${manifest.name} ${manifest.version}, ` +
        `${goldenCount} of ${goldenCount} golden predictions equal, in ${out}`,
    )
  })
}

export async function models(args: readonly string[], config: Config): Promise<void> {
  const { flags } = argumentsOf('models', args, MODELS_OPTIONS)
  await withRegistry(config, async (client, name, { listVersions }) => {
    const rows = await listVersions(client, name)
    if (flags.has('json'))
      return printJson(
        rows.map(({ bundleVersion, createdMs, ...row }) => ({
          name,
          ...row,
          bundle_version: bundleVersion,
          created: createdMs === null ? null : new Date(createdMs).toISOString(),
        })),
      )
    console.log(rows.length === 0 ? `${name} has no versions` : tableOf([HEADINGS, ...rows.map(cellsOf)]))
  })
}

const HEADINGS = ['version', 'alias', 'bundle', 'created', 'MAE', 'Gini', 'bias']
/** Of the held-out rows, as the run has them. */
const METRICS = ['holdout_mae', 'holdout_normalised_gini', 'holdout_bias_ratio']

function cellsOf({ version, aliases, bundleVersion, createdMs, metrics }: VersionRow): string[] {
  return [
    version,
    aliases.toSorted().join(', ') || '–',
    bundleVersion ?? 'no bundle',
    createdMs === null ? '–' : timeOf(new Date(createdMs)),
    ...METRICS.map((metric) => metrics[metric]?.toPrecision(4) ?? '–'),
  ]
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value))
}

type Registry = typeof import('../registry/index.ts')

async function withRegistry(
  { mlflow }: Config,
  work: (client: MlflowClient, name: string, registry: Registry) => Promise<void>,
): Promise<void> {
  if (!mlflow) throw new ConfigError(['MLFLOW_TRACKING_URI: expected http(s)://host:port, got nothing'])
  const { trackingUri, auth, modelName } = mlflow
  // Only these commands wait for them.
  const [{ createMlflowClient }, registry] = await Promise.all([
    import('../mlflow/index.ts'),
    import('../registry/index.ts'),
  ])
  const client = createMlflowClient({ trackingUri, auth, policy: POLICY })
  try {
    await work(client, modelName, registry)
  } finally {
    await client.close()
  }
}
