/**
 * The command line: arguments → one command. Exit codes: 0 done, 1 the work failed, 2 the command was not understood.
 */
import { pino } from 'pino'
import { loadBundle } from './bundle/index.ts'
import { ConfigError, readConfig, settingsAsEnv, settingsAsMarkdown } from './config.ts'
import { buildApp, serve } from './server.ts'

const HELP = `Usage: node src/cli.ts <command>

  serve                  start the service; settings come from the environment, see .env.example
  verify DIR             load a bundle: check its hashes and reproduce its golden predictions
  openapi                print the OpenAPI document of the service as YAML
  settings env|markdown  print every setting with its default
`

class UsageError extends Error {}

const COMMANDS: Readonly<Record<string, (...args: string[]) => Promise<void>>> = {
  serve: () => serve(readConfig(process.env)),

  async verify(directory) {
    if (directory === undefined) throw new UsageError('verify: expected the folder of a bundle')
    const { manifest, goldenCount, ensemble } = await loadBundle(directory)
    console.log(
      `${manifest.name} ${manifest.version}: ${manifest.files.size} hashes right, ` +
        `${ensemble.treeCount} trees, ${goldenCount} of ${goldenCount} golden predictions equal`,
    )
  },

  async openapi() {
    const config = readConfig({ DATABASE_URL: 'off' })
    const { app } = await buildApp(config, pino({ level: 'silent' }))
    await app.ready()
    process.stdout.write(app.swagger({ yaml: true }))
    await app.close()
  },

  async settings(format) {
    if (format !== 'env' && format !== 'markdown') throw new UsageError('settings: expected env or markdown')
    process.stdout.write(format === 'env' ? settingsAsEnv() : settingsAsMarkdown())
  },
}

export async function run(args: readonly string[]): Promise<void> {
  const [name = '--help', ...rest] = args
  if (name === '--help' || name === 'help') return void process.stdout.write(HELP)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) throw new UsageError(`no such command: ${name}`)
  await command(...rest)
}

if (import.meta.main) {
  try {
    await run(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    if (error instanceof UsageError) console.error(HELP)
    process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}
