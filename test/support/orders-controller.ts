import 'reflect-metadata'
import { type Action, Authorized, Get, JsonController, Param } from 'routing-controllers'

@JsonController('/orders')
@Authorized()
export class OrdersController {
  @Get('/:id')
  order(@Param('id') id: string) {
    return { id }
  }
}

/** The user is the one of a header. */
export function authorizationChecker({ request }: Action): boolean {
  const id = request.get('x-user')
  if (id !== undefined) request.user = { id, orgId: 'acme' }
  return id !== undefined
}
