/**
 * Two volumes → a password of the database with the address that it is in, and one of Grafana's administrator. What is there already
 * stays: a database keeps the password that it was made with. Prints none of them.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, writeFileSync } from 'node:fs'

const ROOT = process.argv[2] ?? '/secrets'

const password = () => randomBytes(24).toString('hex')

make(`${ROOT}/database`, () => {
  const made = password()
  return { database_password: made, database_url: `postgres://day7:${made}@db:5432/day7` }
})
make(`${ROOT}/grafana`, () => ({ password: password() }))

/** The last file is there only if all are: a run that was cut off is done again. */
function make(folder, secrets) {
  const files = Object.entries(secrets())
  if (existsSync(`${folder}/${files.at(-1)[0]}`)) return
  for (const [name, text] of files) {
    writeFileSync(`${folder}/${name}.new`, text)
    renameSync(`${folder}/${name}.new`, `${folder}/${name}`)
  }
}
