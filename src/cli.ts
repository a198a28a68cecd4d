#!/usr/bin/env node
/**
 * The command line: arguments → one command. Exit codes: 0 done, 1 the work failed, 2 the command was not understood; a command can have
 * others, which its help tells.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { type Command, COMMANDS, helpOf, helpOfCommand, meant, UsageError } from './commands/index.ts'
import { ConfigError, readConfig } from './config/index.ts'
import { VERSION } from './version.ts'

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
  ...COMMANDS,
  openapi: {
    usage: 'openapi',
    summary: 'print the OpenAPI document of the service as YAML',
    run: openapi,
  },
}

type Environment = Readonly<Record<string, string | undefined>>

/** @returns the exit code; what went wrong is said */
export async function run(
  [name = '--help', ...args]: readonly string[],
  environment: Environment,
): Promise<number> {
  const command = Object.hasOwn(ALL, name) ? ALL[name] : undefined
  try {
    if (HELP.has(name)) return print(args.length > 0 ? helpFor(args[0]!) : helpOf(ALL))
    if (name === '--version') return print(`${VERSION}\n`)
    if (!command) throw new UsageError(`no such command: ${name}${meant(name, Object.keys(ALL))}`)
    if (args.includes('--help') || args.includes('-h')) return print(helpOfCommand(command))
    return (
      (await command.run(args, () =>
        readConfig(withModel(environment), (path) => readFileSync(path, 'utf8')),
      )) ?? 0
    )
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    if (error instanceof UsageError) console.error(command ? `Usage: day7 ${command.usage}` : helpOf(ALL))
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}

/** Greater codes of exit are those of a signal, by custom. */
const SIGNALLED = 128

const HELP = new Set(['--help', '-h', 'help'])

function helpFor(name: string): string {
  if (Object.hasOwn(ALL, name)) return helpOfCommand(ALL[name]!)
  throw new UsageError(`no such command: ${name}${meant(name, Object.keys(ALL))}`)
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

const SHIPPED_MODEL = 'artifacts/champion'

/** Away from a folder that has the default model, the one of this package is the default. */
function withModel(environment: Environment): Environment {
  if (environment['MODEL_DIR'] || existsSync(SHIPPED_MODEL)) return environment
  return { ...environment, MODEL_DIR: fileURLToPath(new URL(`../${SHIPPED_MODEL}`, import.meta.url)) }
}

async function openapi(): Promise<void> {
  const config = readConfig(withModel({ DATABASE_URL: 'off', AUTH: 'off' }))
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

if (import.meta.main) {
  process.exitCode = await run(process.argv.slice(2), process.env)
  // Broken off: what still waits for input is not waited for.
  if (process.exitCode > SIGNALLED) process.exit()
}
