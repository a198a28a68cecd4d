/**
 * Takes over what was left in the spool's folder, whenever it is told to by a line on its standard input, and prints what came of it as a line of JSON.
 *
 *   node adopting-process.ts FOLDER
 */
import { createInterface } from 'node:readline'
import { Spool } from '../../../src/prediction-log/spool/spool.ts'

const said: string[] = []
const say = (_: object, message: string): void => void said.push(message.replace('prediction log: ', ''))
const spool = new Spool({
  folder: process.argv[2]!,
  owner: `heir${process.pid}`,
  maxBytes: 2 ** 30,
  fsyncMs: 1000,
  fields: null,
  logger: { info: say, warn: say, error: say },
})
for await (const _ of createInterface(process.stdin)) {
  const adopted = await spool.adopt()
  const { segments, stranded } = spool.status()
  console.log(JSON.stringify({ adopted, segments, stranded, said: said.splice(0) }))
}
await spool.close()
