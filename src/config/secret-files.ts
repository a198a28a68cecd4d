/**
 * Secrets from files: where `DATABASE_URL_FILE` names a file, its text is the value of `DATABASE_URL`, and so for every setting that
 * holds a secret. Containers are given their secrets like this: an environment is shown to whoever may inspect the container.
 * Refused, without a word of what the file says: a file that cannot be read, one that is empty, and a value beside it.
 */
import type { Setting } from './setting.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** @returns null if the setting is no secret */
export function fileSettingOf({ name, secret }: Setting): string | null {
  return secret ? `${name}_FILE` : null
}

/**
 * @param readText path → text of the file
 * @returns the environment, with the values that stand in files
 */
export function withSecretFiles(
  settings: readonly Setting[],
  environment: Environment,
  readText: (path: string) => string,
  faults: string[],
): Environment {
  const values: Record<string, string> = {}
  for (const setting of settings) {
    const fileSetting = fileSettingOf(setting)
    const path = fileSetting && environment[fileSetting]
    if (!path) continue
    try {
      if (environment[setting.name]) throw new Error(`expected it or ${setting.name}, got both`)
      const value = readText(path).trim()
      // Not as good as no setting: without DATABASE_URL, for one, predictions would go to another database.
      if (value === '') throw new Error(`expected the value in ${path}, got an empty file`)
      values[setting.name] = value
    } catch (error) {
      faults.push(`${fileSetting}: ${(error as Error).message}`)
    }
  }
  return { ...environment, ...values }
}
