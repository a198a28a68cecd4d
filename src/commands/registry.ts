/**
 * `publish`, `promote`, `pull` and `models`: bundles and the registry of the MLflow server that the settings name.
 */
import { type Config, ConfigError } from '../config/index.ts'
import { createMlflowClient, type MlflowClient } from '../mlflow/index.ts'
import {
  listVersions,
  promoteVersion,
  publishBundle,
  pullBundle,
  type VersionRow,
} from '../registry/index.ts'
import { tableOf, timeOf } from './table.ts'
import { argumentsOf, required, UsageError } from './usage.ts'

/** Between two requests of a person there is time to wait. */
const POLICY = { headersTimeoutMs: 120_000 }

export async function publish(args: readonly string[], config: Config): Promise<void> {
  const { values } = argumentsOf('publish', args, ['bundle', 'alias'])
  const folder = required('publish', values['bundle'], '--bundle DIR')
  const alias = values['alias'] ?? null
  await withRegistry(config, async (client, name) => {
    const { runId, version, manifest } = await publishBundle(client, folder, { name, alias })
    console.log(`uploaded and read back: ${manifest.files.size + 1} files, run ${runId}`)
    console.log(
      `${manifest.name} ${manifest.version} is ${name} version ${version}${alias === null ? '' : `, ${alias}`}`,
    )
  })
}

export async function promote(args: readonly string[], config: Config): Promise<void> {
  const { values } = argumentsOf('promote', args, ['version'])
  const version = required('promote', values['version'], '--version N')
  if (!/^\d+$/.test(version)) throw new UsageError(`promote: expected --version N, got "${version}"`)
  await withRegistry(config, async (client, name) => {
    const promotion = await promoteVersion(client, name, version, { maxBytes: config.modelMaxBytes })
    const before = promotion.previous === null ? 'there was none' : `before: version ${promotion.previous}`
    console.log(`${name} version ${promotion.version} (${promotion.bundleVersion}) is champion; ${before}`)
    if (promotion.wasChallenger) console.log('there is no challenger any more')
  })
}

export async function pull(args: readonly string[], config: Config): Promise<void> {
  const { values } = argumentsOf('pull', args, ['model', 'out'])
  const model = required('pull', values['model'], '--model models:/name@alias or models:/name/version')
  const out = required('pull', values['out'], '--out DIR')
  await withRegistry(config, async (client) => {
    const version = await client.resolveModel(model)
    const { manifest, goldenCount } = await pullBundle(client, version, out, {
      maxBytes: config.modelMaxBytes,
    })
    console.log(
      `${version.name} version ${version.version}: ${manifest.name} ${manifest.version}, ` +
        `${goldenCount} of ${goldenCount} golden predictions equal, in ${out}`,
    )
  })
}

export async function models(args: readonly string[], config: Config): Promise<void> {
  argumentsOf('models', args, [])
  await withRegistry(config, async (client, name) => {
    const rows = await listVersions(client, name)
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

async function withRegistry(
  { mlflow }: Config,
  work: (client: MlflowClient, name: string) => Promise<void>,
): Promise<void> {
  if (!mlflow) throw new ConfigError(['MLFLOW_TRACKING_URI: expected http(s)://host:port, got nothing'])
  const { trackingUri, auth, modelName } = mlflow
  const client = createMlflowClient({ trackingUri, auth, policy: POLICY })
  try {
    await work(client, modelName)
  } finally {
    await client.close()
  }
}
