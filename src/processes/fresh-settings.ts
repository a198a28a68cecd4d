/**
 * Which settings a worker must not inherit. Those of a file (`node --env-file=.env …`) it reads itself, so that it has what
 * the file says when it starts; but what it inherits would stand above the file.
 */
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

/**
 * @param execArgv options of Node
 * @param environment of this process
 * @returns the settings that came from a file, each as undefined
 */
export function freshSettings(
  execArgv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, undefined> {
  const fresh: Record<string, undefined> = {}
  for (const file of envFiles(execArgv))
    for (const [name, value] of Object.entries(settingsIn(file)))
      if (environment[name] === value) fresh[name] = undefined
  return fresh
}

function envFiles(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((argument, at) => {
    const [, inline] = /^--env-file(?:-if-exists)?=(.+)$/.exec(argument) ?? []
    if (inline !== undefined) return [inline]
    const isOption = argument === '--env-file' || argument === '--env-file-if-exists'
    return isOption && execArgv[at + 1] !== undefined ? [execArgv[at + 1]!] : []
  })
}

function settingsIn(file: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}
