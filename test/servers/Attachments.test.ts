import * as Message from "@colloquy/core/Message"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Transporter from "@colloquy/core/Transporter"
import * as NodeColloquy from "@colloquy/node/NodeColloquy"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, Redacted, Result } from "effect"
import { byMailparser, octetsOf } from "../core/messageReaders.ts"
import { statements } from "./Conversation.ts"
import * as Machine from "./Machine.ts"
import * as Maildir from "./Maildir.ts"
import * as PostfixServer from "./PostfixServer.ts"

const Servers = PostfixServer.layerLarge.pipe(Layer.provideMerge(NodeServices.layer), Layer.merge(NodeColloquy.layer))

const options = Effect.map(PostfixServer.PostfixServer, (server): Transporter.Options => ({
  host: "localhost",
  port: server.port,
  tls: { mode: "required", ca: server.certificates.ca },
  user: server.user,
  password: Redacted.make(server.password),
  keepAlive: false,
  name: "client.test"
}))

const content = Buffer.from(Array.from({ length: 25_000_000 }, (_, i) => ((i * 7919) >> 5) & 255))

layer(Servers, { excludeTestServices: true, timeout: "5 minutes" })("a message with 25 MB attached", (it) => {
  it.effect.each([["BDAT", []], ["DATA", ["CHUNKING"]]] as const)(
    "arrives whole through Postfix by %s",
    ([way, ignoreExtensions]) =>
      Effect.gen(function*() {
        const server = yield* PostfixServer.PostfixServer
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const file = path.join(yield* Machine.folder("attachments"), "Übersicht.bin")
        yield* fs.writeFile(file, content)
        const log = yield* SmtpLog.LogMemory
        const composed = yield* Message.compose({
          from: "ann@mail.test",
          to: "bob@mail.test",
          subject: `Grüße by ${way}`,
          text: ".\n..\nFrom here\n",
          attachments: [Message.file(file)]
        })
        const transporter = yield* Transporter.make({ ...(yield* options), ignoreExtensions })
        yield* transporter.send(composed)
        const files = yield* Maildir.holding(server.maildir, composed.messageId ?? "")
        const sent = yield* octetsOf(composed)
        assert.deepStrictEqual(files.map((arrived) => Maildir.withoutTrace(arrived) === sent.toString("latin1")), [
          true
        ])
        const read = yield* byMailparser(Buffer.from(files[0] ?? []))
        assert.deepStrictEqual(read.attachments.map(({ name }) => name), ["Übersicht.bin"])
        assert.isTrue(read.attachments[0]?.content.equals(content))
        assert.strictEqual(statements(yield* log.events).includes("C > \"DATA\""), way === "DATA")
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(SmtpLog.layerMemory)))
  )

  it.effect("is refused before it is sent where it is over the limit", () =>
    Effect.gen(function*() {
      const log = yield* SmtpLog.LogMemory
      const transporter = yield* Transporter.make(yield* options)
      const outcome = yield* Effect.result(transporter.send({
        from: "ann@mail.test",
        to: "bob@mail.test",
        attachments: [{ name: "a.bin", content }, { name: "b.bin", content }]
      }))
      assert.isTrue(Result.isFailure(outcome) && outcome.failure.reason._tag === "MessageTooLarge")
      assert.notInclude(statements(yield* log.events).join("\n"), "MAIL FROM")
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(SmtpLog.layerMemory))))
})
