/**
 * What the Open Inference Protocol, version 2, takes and answers. Keys that this does not name are passed over, as the protocol has it.
 */
import { type Static, Type } from 'typebox'

export const BINARY = 'application/octet-stream'

const Parameters = Type.Optional(
  Type.Unsafe<Readonly<Record<string, unknown>> | null>({
    type: ['object', 'null'],
    description: 'Those of the binary tensor data extension are followed, and others passed over.',
  }),
)

const Shape = (description: string) => Type.Array(Type.Integer({ minimum: 0 }), { description })

export const InferenceBody = Type.Object({
  id: Type.Optional(
    Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Comes back with the answer.' }),
  ),
  parameters: Parameters,
  inputs: Type.Array(
    Type.Object({
      name: Type.String({ description: 'A field of an install.', examples: ['event_1'] }),
      shape: Shape('`[n]` or `[n, 1]`, the same n for all.'),
      datatype: Type.String({
        description:
          'That of the model’s metadata: `BYTES` for texts, `FP64` for numbers, `BOOL` for true and false, `INT64` for times as epochs. Other types of numbers are taken, and `BYTES` for all.',
        examples: ['FP64'],
      }),
      data: Type.Optional(
        Type.Unsafe<readonly unknown[] | null>({
          type: ['array', 'null'],
          description: 'Left out where the tensor follows the JSON as bytes.',
          examples: [[100]],
        }),
      ),
      parameters: Parameters,
    }),
    {
      minItems: 1,
      description: 'A tensor for each field. One that is left out is null, where that is legal.',
    },
  ),
  outputs: Type.Optional(
    Type.Unsafe<readonly RequestedOutput[] | null>({
      type: ['array', 'null'],
      items: Type.Object({
        name: Type.String({ description: '`predicted_revenue`, `prediction_id` or `model_version`.' }),
        parameters: Parameters,
      }),
      description: 'Left out: `predicted_revenue` and `prediction_id`.',
    }),
  ),
})
export type InferenceBody = Static<typeof InferenceBody>

interface RequestedOutput {
  readonly name: string
  readonly parameters?: Readonly<Record<string, unknown>> | null
}

export const InferenceHeaders = Type.Object({
  'inference-header-content-length': Type.Optional(
    Type.String({
      description: 'Where tensors follow the JSON as bytes: the length of the JSON.',
    }),
  ),
})

const InferenceAnswer = Type.Object({
  model_name: Type.String(),
  model_version: Type.Optional(
    Type.String({
      description:
        'Left out where champion and challenger have both answered: ask for the output `model_version`.',
    }),
  ),
  id: Type.Optional(Type.String()),
  outputs: Type.Array(
    Type.Object({
      name: Type.String(),
      datatype: Type.String(),
      shape: Type.Array(Type.Integer()),
      data: Type.Optional(Type.Array(Type.Unsafe<string | number>({ type: ['number', 'string'] }))),
      parameters: Type.Optional(Type.Object({ binary_data_size: Type.Integer() })),
    }),
  ),
})

/** With tensors as bytes, the header `Inference-Header-Content-Length` tells the length of the JSON before them. */
export const InferenceAnswers = {
  description: 'The outputs, in the order of the installs.',
  content: {
    'application/json': { schema: InferenceAnswer },
    [BINARY]: {
      schema: Type.String({
        description: 'The same JSON, and after it the outputs that were asked for as bytes.',
      }),
    },
  },
}

export const ModelPath = Type.Object({ name: Type.String({ description: 'As in `GET /model/info`.' }) })
export const VersionPath = Type.Object({
  name: ModelPath.properties.name,
  version: Type.String({ description: 'Of the champion or of the challenger in service.' }),
})

export const ServerMetadata = Type.Object({
  name: Type.String(),
  version: Type.String(),
  extensions: Type.Array(Type.String()),
})

const MetadataTensors = Type.Array(
  Type.Object({ name: Type.String(), datatype: Type.String(), shape: Type.Array(Type.Integer()) }),
)

export const ModelMetadata = Type.Object({
  name: Type.String(),
  versions: Type.Array(Type.String(), { description: 'Those in service.' }),
  platform: Type.String(),
  inputs: MetadataTensors,
  outputs: MetadataTensors,
})

export const ServerLive = Type.Object({ live: Type.Literal(true) })
export const ServerReady = Type.Object({ ready: Type.Literal(true) })
export const ModelReady = Type.Object({ name: Type.String(), ready: Type.Literal(true) })

export const InferenceFailure = Type.Object(
  {
    error: Type.String({
      description: 'The row, the tensor, and what was expected; no value of the request.',
    }),
  },
  { description: 'An error.' },
)
