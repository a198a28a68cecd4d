/**
 * `DELETE /users/:user_id`, `POST /users/erase`: erase what the log has of users.
 */
import type { Erasure } from '../../prediction-log/index.ts'
import type { Routes } from '../context.ts'
import { failures } from '../schemas/failure.ts'
import { ErasureAnswer, ErasureBody, ErasuresAnswer, UserParams } from '../schemas/outcomes.ts'

export const userRoutes: Routes = (app, context) => {
  app.delete(
    '/users/:user_id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'eraseUser',
        tags: ['outcomes'],
        summary: 'Erase a user’s predictions and outcomes',
        params: UserParams,
        response: { 200: ErasureAnswer, ...failures() },
      },
    },
    async (request) => {
      const { user_id } = request.params
      const [erased] = await context.predictionLog.eraseUsers([user_id])
      return answerOf(erased!)
    },
  )

  app.post(
    '/users/erase',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'eraseUsers',
        tags: ['outcomes'],
        summary: 'Erase the predictions and outcomes of users',
        description:
          'All or none are erased. The ids stand in the body, which no proxy and no log keeps, and may be any: `.` and `..` are no part of a path that a client sends.',
        body: ErasureBody,
        response: { 200: ErasuresAnswer, ...failures() },
      },
    },
    async (request) => {
      const erased = await context.predictionLog.eraseUsers(request.body.user_ids)
      return { users: erased.map(answerOf) }
    },
  )
}

const answerOf = ({ userId, predictions, outcomes }: Erasure) => ({ user_id: userId, predictions, outcomes })
