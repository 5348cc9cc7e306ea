import { createApp } from './app.ts'

// Nest closes the meter on SIGTERM and SIGINT, after it has closed the server.
const { app } = await createApp()
await app.listen(Number(process.env.PORT ?? 3000))
console.log('Nest example:', await app.getUrl())
