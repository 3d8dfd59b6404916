/**
 * `colloquy demo`: a mail server in this process, a message that is sent to it over TCP with STARTTLS and a login, the
 * message as it was delivered, and the conversation that delivered it. It needs no network and leaves nothing behind.
 */
import * as LogEvent from "@colloquy/core/LogEvent"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Exit from "./exit.ts"
import * as Conversation from "./internal/conversation.ts"
import * as Printable from "./internal/printable.ts"
import * as SelfSigned from "./internal/selfSigned.ts"
import * as Report from "./report.ts"

const user = "ann"
const password = Redacted.make("correct horse battery staple")
const message = {
  from: "Ann <ann@demo.example>",
  to: "Bob <bob@demo.example>",
  subject: "Hello from Colloquy",
  text: "This message travelled over TCP and TLS, after a login.\nBelow is every word that was said to deliver it.\n"
}

const heading = (text: string) => `\n${text}\n${"─".repeat(text.length)}`

const deliver = Effect.fnUntraced(function*(ca: string) {
  const server = yield* CaptureServer.CaptureServer
  const transporter = yield* Transporter.make({
    host: "127.0.0.1",
    port: server.port,
    tls: { mode: "required", ca },
    user,
    password,
    name: "client.demo.example",
    keepAlive: false
  })
  yield* transporter.send(message)
  return yield* server.take
}, Effect.scoped)

/** The server counts for itself, so that the client's conversation is numbered from 1 without gaps. */
const serversOwnNumbers = Layer.sync(LogEvent.Sequence, () => {
  let counter = 0
  let session = 0
  return { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => ++session }
})

const run = Effect.gen(function*() {
  const tls = yield* SelfSigned.make
  const server = CaptureServer.layer({ users: { [user]: password }, tls }).pipe(
    Layer.provide([
      NodeSocketServer.layer({ host: "127.0.0.1", port: 0, noDelay: true }),
      SmtpLog.layerNone,
      serversOwnNumbers
    ])
  )
  yield* Effect.gen(function*() {
    const { text } = yield* deliver(tls.cert)
    const conversation = yield* Effect.flatMap(SmtpLog.LogMemory, (log) => log.events)
    yield* Console.log(heading("The message, as it was delivered"))
    yield* Console.log(Printable.lines(text.trimEnd()))
    yield* Console.log(heading("The conversation that delivered it (S: the server, C: the client, ###: what was done)"))
    yield* Console.log(Conversation.lines(conversation).join("\n"))
    yield* Console.log(heading("Now with your own server"))
    yield* Console.log("npx -y pnpm@12 colloquy check --server smtps://you@mail.example")
  }).pipe(Effect.provide(Layer.merge(server, SmtpLog.layerMemory)))
})

const withoutPort = (error: { readonly message: string }) =>
  Effect.andThen(
    Console.error(`colloquy: no port can be opened on 127.0.0.1: ${Printable.line(error.message)}`),
    new Exit.Exit({ status: Exit.status.unavailable })
  )

export const demo = Command.make("demo", {}, () =>
  Effect.catchTag(run, "SocketServerError", withoutPort).pipe(
    Report.told({ json: false, conversationShown: false })
  )).pipe(
    Command.withDescription(
      "Delivers a message to a mail server in this process, and shows the conversation. Needs no network."
    ),
    Command.withShortDescription("See a conversation")
  )
