import { ApolloServer } from '@apollo/server'

/** A server of GraphQL that has started. */
export const server: ApolloServer = new ApolloServer({
  typeDefs: 'type Query { orders: [String] }',
  resolvers: { Query: { orders: () => ['7', '8'] } },
})
await server.start()
