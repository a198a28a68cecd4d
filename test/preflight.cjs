/**
 * Says in one sentence what is missing before anything else is loaded, then runs the module that is named first. Written for any Node, however
 * old: it is the only file that an old one can read.
 */
'use strict'
const fs = require('node:fs')
const path = require('node:path')

const project = path.dirname(__dirname)
const isInstalled = fs.existsSync(path.join(project, 'node_modules', '.package-lock.json'))
/** Runs TypeScript as it is. */
const isNewEnough = Number(process.versions.node.split('.')[0]) >= 24

if (!isInstalled) refuse('The packages are not installed: run "npm ci" in ' + project + ' first.')
else if (!isNewEnough)
  refuse(
    'Node 24 is needed, and this is Node ' +
      process.versions.node +
      ': run it with "npm test", which takes the Node that "npm ci" brings, and "npm ci" again if that is missing.',
  )
else {
  const [module] = process.argv.splice(2, 1)
  process.chdir(project)
  process.argv[1] = path.resolve(project, module)
  import(require('node:url').pathToFileURL(process.argv[1]).href)
}

function refuse(sentence) {
  console.error(sentence)
  process.exitCode = 1
}
