/**
 * The command line: arguments → one command. Exit codes: 0 done, 1 the work failed, 2 the command was not understood.
 */
import { pino } from 'pino'
import { type Command, COMMANDS, UsageError } from './commands/index.ts'
import { ConfigError, readConfig } from './config.ts'
import { buildApp, serve } from './server.ts'

const ALL: Readonly<Record<string, Command>> = {
  serve: {
    usage: 'serve',
    summary: 'start the service; settings come from the environment, see .env.example',
    run: (_args, config) => serve(config()),
  },
  openapi: {
    usage: 'openapi',
    summary: 'print the OpenAPI document of the service as YAML',
    run: openapi,
  },
  ...COMMANDS,
}

export async function run(args: readonly string[]): Promise<void> {
  const [name = '--help', ...rest] = args
  if (name === '--help' || name === 'help') return void process.stdout.write(help())
  const command = Object.hasOwn(ALL, name) ? ALL[name] : undefined
  if (!command) throw new UsageError(`no such command: ${name}`)
  await command.run(rest, () => readConfig(process.env))
}

async function openapi(): Promise<void> {
  const config = readConfig({ DATABASE_URL: 'off' })
  const { app, services } = await buildApp(config, pino({ level: 'silent' }))
  await app.ready()
  process.stdout.write(app.swagger({ yaml: true }))
  await app.close()
  await services.models.close()
}

function help(): string {
  const width = Math.max(...Object.values(ALL).map(({ usage }) => usage.length))
  const lines = Object.values(ALL).map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}\n`)
  return `Usage: day7 <command>\n\n${lines.join('')}`
}

if (import.meta.main) {
  try {
    await run(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    if (error instanceof UsageError) console.error(help())
    process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}
