/**
 * The commands that need no service, by name.
 */
import { type Config, settingsAsEnv, settingsAsMarkdown } from '../config/index.ts'
import { clientType, CLIENT_TYPE_OPTIONS } from './client-type.ts'
import { inspect, INSPECT_OPTIONS } from './inspect.ts'
import { keys, KEYS_OPTIONS } from './keys.ts'
import { MIGRATE_OPTIONS, migrateDatabase } from './migrate.ts'
import { predict, PREDICT_OPTIONS } from './predict.ts'
import {
  models,
  MODELS_OPTIONS,
  promote,
  PROMOTE_OPTIONS,
  publish,
  PUBLISH_OPTIONS,
  pull,
  PULL_OPTIONS,
} from './registry.ts'
import { argumentsOf, type Option, required, UsageError } from './usage.ts'

export interface Command {
  /** As in `verify DIR`. */
  readonly usage: string
  readonly summary: string
  /** For `--help`: more about it, a paragraph each; its options; and how it is called. */
  readonly details?: readonly string[]
  readonly options?: readonly Option[]
  readonly examples?: readonly string[]
  /**
   * @param config reads the environment
   * @returns a code of exit, if it is not 0
   */
  run(args: readonly string[], config: () => Config): Promise<number | void>
}

const VERIFY_OPTIONS: readonly Option[] = [{ name: 'json', about: 'print the result as JSON' }]

export const COMMANDS: Readonly<Record<string, Command>> = {
  predict: {
    usage: 'predict FILE|- [--out FILE]',
    summary: 'predict the installs of a CSV, NDJSON or Parquet file, or of a folder or glob of part files',
    details: [
      'The rows come out in their order, as they were, with predicted_revenue (and the interval, where the model has one). They need ' +
        'the fields that the model takes, in any order; other columns are kept. A row that cannot be predicted is left out, and ' +
        'listed with its line and the reason. The numbers are those that POST /predict answers. Memory does not grow with the file.',
      'FILE is .csv or .tsv (commas, semicolons or tabs), .ndjson or .jsonl, or .parquet; the texts may be compressed (.gz, .zst). It ' +
        'may be a folder or a quoted glob of part files, which are predicted into one output in the order of names; those that begin ' +
        'with _ or . are passed over, and a folder such as country=es is a column. - is the standard input, with --format csv or ndjson.',
      'Exit codes: 0 every row is predicted, 3 some are not, 1 it failed, 2 the command was not understood.',
    ],
    options: PREDICT_OPTIONS,
    examples: [
      'day7 predict installs.csv --out predictions.csv',
      'day7 predict installs.parquet --out predictions.ndjson --explain',
      'day7 predict exports/ --out predictions.csv.gz',
      "day7 predict 'exports/dt=2026-11-*/*.parquet' --out predictions.csv",
      'zcat installs.csv.gz | day7 predict - --format csv | head',
    ],
    run: predict,
  },
  inspect: {
    usage: 'inspect DIR',
    summary: 'show what a bundle is: its training, metrics, features and their importance',
    options: INSPECT_OPTIONS,
    examples: ['day7 inspect artifacts/champion', 'day7 inspect /tmp/bundle --json'],
    run: inspect,
  },
  verify: {
    usage: 'verify DIR',
    summary: 'load a bundle: check its hashes and reproduce its golden predictions',
    options: VERIFY_OPTIONS,
    run: verify,
  },
  'client-type': {
    usage: 'client-type URL [--out FILE]',
    summary: 'write the TypeScript type of an install that a running service takes',
    options: CLIENT_TYPE_OPTIONS,
    examples: ['day7 client-type http://127.0.0.1:5001 --out src/install.ts'],
    run: clientType,
  },
  publish: {
    usage: 'publish --bundle DIR [--alias A]',
    summary: 'upload a bundle to MLflow and register it, as challenger for instance',
    options: PUBLISH_OPTIONS,
    examples: ['day7 publish --bundle /tmp/bundle --alias challenger'],
    run: (args, config) => publish(args, config()),
  },
  promote: {
    usage: 'promote --version N',
    summary: 'verify a registered version and make it the champion',
    options: PROMOTE_OPTIONS,
    run: (args, config) => promote(args, config()),
  },
  pull: {
    usage: 'pull --model URI --out DIR',
    summary: 'fetch the bundle of models:/name@alias or models:/name/version',
    options: PULL_OPTIONS,
    examples: ['day7 pull --model models:/day7-revenue@champion --out /tmp/bundle'],
    run: (args, config) => pull(args, config()),
  },
  models: {
    usage: 'models',
    summary: 'list the registered versions with their aliases and metrics',
    options: MODELS_OPTIONS,
    run: (args, config) => models(args, config()),
  },
  keys: {
    usage: 'keys create|list|revoke',
    summary: 'make, list and revoke API keys',
    details: [
      'Keys are kept in API_KEYS_FILE, or else in the database. A new key is printed once, on standard output, and kept nowhere.',
    ],
    options: KEYS_OPTIONS,
    examples: [
      'day7 keys create --name backend --scopes predict,outcomes --expires 90d > backend.key',
      'day7 keys create --replaces 26faf16a11f8 --overlap 24h > backend.key',
      'day7 keys list',
      'day7 keys revoke 26faf16a11f8',
    ],
    run: keys,
  },
  migrate: {
    usage: 'migrate [--grant ROLE]',
    summary: 'bring the database to the newest schema, as the service does when it starts',
    details: [
      'With --grant a service may connect as a role that owns nothing and creates nothing. Views of input schemas that it could not make are made, too.',
    ],
    options: MIGRATE_OPTIONS,
    run: (args, config) => migrateDatabase(args, config()),
  },
  settings: {
    usage: 'settings env|markdown',
    summary: 'print every setting with its default',
    run: settings,
  },
}

async function verify(args: readonly string[]): Promise<void> {
  const { positionals, flags } = argumentsOf('verify', args, VERIFY_OPTIONS, 1)
  const directory = required('verify', positionals[0], 'the folder of a bundle')
  const { loadBundle } = await import('../bundle/index.ts')
  const { manifest, treeCount, goldenCount } = await loadBundle(directory)
  const { name, version, files } = manifest
  if (flags.has('json'))
    console.log(
      JSON.stringify({
        name,
        version,
        hashes: files.size,
        trees: treeCount,
        golden_predictions: goldenCount,
      }),
    )
  else
    console.log(
      `${name} ${version}: ${files.size} hashes right, ` +
        `${treeCount} trees, ${goldenCount} of ${goldenCount} golden predictions equal`,
    )
}

async function settings(args: readonly string[]): Promise<void> {
  const [format] = argumentsOf('settings', args, [], 1).positionals
  if (format !== 'env' && format !== 'markdown') throw new UsageError('settings: expected env or markdown')
  process.stdout.write(format === 'env' ? settingsAsEnv() : settingsAsMarkdown())
}
