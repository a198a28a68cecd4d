/**
 * The commands that need no service, by name.
 */
import { loadBundle } from '../bundle/index.ts'
import { type Config, settingsAsEnv, settingsAsMarkdown } from '../config/index.ts'
import { keys } from './keys.ts'
import { migrate } from './migrate.ts'
import { models, promote, publish, pull } from './registry.ts'
import { argumentsOf, required, UsageError } from './usage.ts'

export interface Command {
  /** As in `verify DIR`. */
  readonly usage: string
  readonly summary: string
  /** @param config reads the environment */
  run(args: readonly string[], config: () => Config): Promise<void>
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  verify: {
    usage: 'verify DIR',
    summary: 'load a bundle: check its hashes and reproduce its golden predictions',
    run: verify,
  },
  publish: {
    usage: 'publish --bundle DIR [--alias A]',
    summary: 'upload a bundle to MLflow and register it, as challenger for instance',
    run: (args, config) => publish(args, config()),
  },
  promote: {
    usage: 'promote --version N',
    summary: 'verify a registered version and make it the champion',
    run: (args, config) => promote(args, config()),
  },
  pull: {
    usage: 'pull --model URI --out DIR',
    summary: 'fetch the bundle of models:/name@alias or models:/name/version',
    run: (args, config) => pull(args, config()),
  },
  models: {
    usage: 'models',
    summary: 'list the registered versions with their aliases and metrics',
    run: (args, config) => models(args, config()),
  },
  keys: {
    usage: 'keys create|list|revoke',
    summary: 'make, list and revoke API keys',
    run: keys,
  },
  migrate: {
    usage: 'migrate',
    summary: 'bring the database to the newest schema, as the service does when it starts',
    run: (args, config) => migrate(args, config()),
  },
  settings: {
    usage: 'settings env|markdown',
    summary: 'print every setting with its default',
    run: settings,
  },
}

async function verify(args: readonly string[]): Promise<void> {
  const { positionals } = argumentsOf('verify', args, [], 1)
  const directory = required('verify', positionals[0], 'the folder of a bundle')
  const { manifest, treeCount, goldenCount } = await loadBundle(directory)
  console.log(
    `${manifest.name} ${manifest.version}: ${manifest.files.size} hashes right, ` +
      `${treeCount} trees, ${goldenCount} of ${goldenCount} golden predictions equal`,
  )
}

async function settings(args: readonly string[]): Promise<void> {
  const [format] = argumentsOf('settings', args, [], 1).positionals
  if (format !== 'env' && format !== 'markdown') throw new UsageError('settings: expected env or markdown')
  process.stdout.write(format === 'env' ? settingsAsEnv() : settingsAsMarkdown())
}
