/**
 * The thread of the database client: answers the calls of a RemoteDatabase, one message each. An error that nobody could catch ends
 * the thread, not the service.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseLocation } from '../database/index.ts'
import { Database } from './database.ts'
import type { Call, Reply } from './remote-database.ts'

const database = new Database((workerData as { location: DatabaseLocation }).location)

parentPort!.on('message', async ({ id, method, args }: Call) => {
  let reply: Reply
  try {
    const result: unknown = await Reflect.apply(database[method], database, args)
    reply = { id, result }
  } catch (error) {
    const { name, message, stack, code } = error as NodeJS.ErrnoException
    reply = { id, error: { name, message, stack, code } }
  }
  parentPort!.postMessage(reply)
  if (method === 'close') parentPort!.close()
})
