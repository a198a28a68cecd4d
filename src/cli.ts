/**
 * The command line: arguments → one command. Exit codes: 0 done, 1 the work failed, 2 the command was not understood.
 */
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { type Command, COMMANDS, UsageError } from './commands/index.ts'
import { ConfigError, readConfig } from './config/index.ts'

const ALL: Readonly<Record<string, Command>> = {
  serve: {
    usage: 'serve',
    summary: 'start the service; settings come from the environment, see .env.example',
    async run(_args, config) {
      // Process 1 of a container only gets the signals that it listens to: these, until the service does so itself.
      process.once('SIGTERM', leave).once('SIGINT', leave)
      const { serve } = await server()
      await serve(config())
      process.off('SIGTERM', leave).off('SIGINT', leave)
    },
  },
  openapi: {
    usage: 'openapi',
    summary: 'print the OpenAPI document of the service as YAML',
    run: openapi,
  },
  ...COMMANDS,
}

/** @returns the exit code; what went wrong is said */
export async function run(
  [name = '--help', ...args]: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  try {
    if (name === '--help' || name === 'help') return (process.stdout.write(help()), 0)
    const command = Object.hasOwn(ALL, name) ? ALL[name] : undefined
    if (!command) throw new UsageError(`no such command: ${name}`)
    await command.run(args, () => readConfig(environment, (path) => readFileSync(path, 'utf8')))
    return 0
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    if (error instanceof UsageError) console.error(help())
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}

async function openapi(): Promise<void> {
  const config = readConfig({ DATABASE_URL: 'off', AUTH: 'off' })
  const { buildApp } = await server()
  const { app, services } = await buildApp(config, pino({ level: 'silent' }))
  await app.ready()
  process.stdout.write(app.swagger({ yaml: true }))
  await app.close()
  services.access.close()
  await services.models.close()
  services.requestCounts.close()
}

/** As a shell says of a process that the signal ended. What is in the spool stays there. */
const leave = (_signal: NodeJS.Signals, number: number): never => process.exit(128 + number)

/** Half a second that the other commands need not wait. */
const server = () => import('./server.ts')

function help(): string {
  const width = Math.max(...Object.values(ALL).map(({ usage }) => usage.length))
  const lines = Object.values(ALL).map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}\n`)
  return `Usage: day7 <command>\n\n${lines.join('')}`
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2), process.env)
