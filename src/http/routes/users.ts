/**
 * `DELETE /users/:user_id`: erases what the log has of a user.
 */
import type { Routes } from '../context.ts'
import { failures } from '../schemas/failure.ts'
import { ErasureAnswer, UserParams } from '../schemas/outcomes.ts'

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
      const { predictions, outcomes } = await context.predictionLog.eraseUser(user_id)
      return { user_id, predictions, outcomes }
    },
  )
}
