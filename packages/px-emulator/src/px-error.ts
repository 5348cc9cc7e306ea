/** An error response in the form that clients of PX have seen: `{ externalapierror: { status, message, ... } }`. */
export class PxError extends Error {
  readonly statusCode: number
  readonly subErrors: readonly FieldError[] | null
  readonly debugMessage: string | null

  constructor(
    statusCode: number,
    message: string,
    subErrors: readonly FieldError[] | null = null,
    debugMessage: string | null = null,
  ) {
    super(message)
    this.statusCode = statusCode
    this.subErrors = subErrors
    this.debugMessage = debugMessage
  }

  body(): object {
    const status = statusNames[this.statusCode] ?? 'INTERNAL_SERVER_ERROR'
    const { message, debugMessage, subErrors } = this
    return { externalapierror: { status, message, debugMessage, subErrors } }
  }
}

export interface FieldError {
  object: string
  field: string
  rejectedValue: unknown
  message: string
}

/** PX names the status as Spring does, not by number. */
const statusNames: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  429: 'TOO_MANY_REQUESTS',
}

export function validationError(subErrors: readonly FieldError[]): PxError {
  return new PxError(400, 'Validation error', subErrors)
}
