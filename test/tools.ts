/**
 * `npm run test:tools`: which programs the tests need that npm and Python's packages do not bring, and how to install those that are missing.
 */
import { findPython, VenvError } from '../training/venv.ts'
import { isInstalled, type ProgramName, PROGRAMS } from './programs.ts'

const names = Object.keys(PROGRAMS) as ProgramName[]
const absent = names.filter((name) => !isInstalled(name))
const width = Math.max(...names.map((name) => name.length), 'python'.length)

console.log(`${'python'.padEnd(width)}  ${python()}`)
for (const name of names)
  console.log(
    `${name.padEnd(width)}  ${absent.includes(name) ? 'MISSING  ' : 'installed'}  ${PROGRAMS[name].neededFor}`,
  )

if (absent.length > 0) {
  const packagesOf = (system: 'debian' | 'homebrew'): string =>
    [...new Set(absent.map((name) => PROGRAMS[name][system]))].join(' ')
  console.log('\nTests that need a missing program are skipped. To install:')
  console.log(`  apt-get install ${packagesOf('debian')}`)
  console.log(`  brew install ${packagesOf('homebrew')}`)
}

function python(): string {
  try {
    return `installed  everything of training/ (${findPython()})`
  } catch (error) {
    if (!(error instanceof VenvError)) throw error
    process.exitCode = 1
    return `MISSING    ${error.message}`
  }
}
