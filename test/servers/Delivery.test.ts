import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { statements } from "./Conversation.ts"
import * as DovecotServer from "./DovecotServer.ts"
import * as Maildir from "./Maildir.ts"
import * as Messages from "./Messages.ts"
import * as PostfixServer from "./PostfixServer.ts"

const Servers = DovecotServer.layer.pipe(
  Layer.provideMerge(PostfixServer.layer),
  Layer.provideMerge(NodeServices.layer),
  Layer.merge(NodeColloquy.layer)
)

const mechanisms = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
let made = 0
const nextMarker = () => `message-${process.pid}-${++made}`

const postfix = Effect.fnUntraced(function*(mode: "implicit" | "required") {
  const server = yield* PostfixServer.PostfixServer
  const options: Transporter.Options = {
    host: "localhost",
    port: mode === "implicit" ? server.tlsPort : server.port,
    tls: { mode, ca: server.certificates.ca },
    user: server.user,
    password: Redacted.make(server.password),
    keepAlive: false,
    name: "client.test"
  }
  return options
})

const sending = Effect.fnUntraced(
  function*(options: Transporter.Options, message: Parameters<Transporter.Transporter["send"]>[0]) {
    const log = yield* SmtpLog.LogMemory
    const transporter = yield* Transporter.make(options)
    const outcome = yield* Effect.result(transporter.send(message))
    return { outcome, statements: statements(yield* log.events) }
  },
  Effect.scoped,
  (self) => Effect.provide(self, SmtpLog.layerMemory, { local: true })
)

layer(Servers, { excludeTestServices: true, timeout: "5 minutes" })("real servers", (it) => {
  for (const mode of ["required", "implicit"] as const) {
    for (const mechanism of mechanisms) {
      it.effect(`Postfix takes a message over TLS (${mode}) after ${mechanism}, and it arrives octet by octet`, () =>
        Effect.gen(function*() {
          const server = yield* PostfixServer.PostfixServer
          const marker = nextMarker()
          const text = Messages.difficult(marker)
          const { outcome } = yield* sending(
            { ...(yield* postfix(mode)), authenticationMode: mechanism },
            Messages.composed({ from: "ann@mail.test", to: ["bob@mail.test"] }, text)
          )
          const receipt = yield* Effect.fromResult(outcome)
          assert.deepStrictEqual(receipt.recipients.map((verdict) => verdict._tag), ["Accepted"])
          const files = yield* Maildir.holding(server.maildir, marker)
          assert.deepStrictEqual(files.map(Maildir.withoutTrace), [Messages.onTheWire(text)])
        }))
    }
  }
})
