/** `colloquy log replay`: a recorded server at a port of this machine, for any client. */
import * as Replay from "@colloquy/core/testing/Replay"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { SocketServer } from "effect/socket/SocketServer"
import * as Stream from "effect/Stream"
import * as Exit from "../exit.ts"
import * as Files from "../internal/files.ts"
import * as Printable from "../internal/printable.ts"
import * as SelfSigned from "../internal/selfSigned.ts"
import * as Report from "../report.ts"
import * as Input from "./input.ts"

const flags = {
  file: Argument.String("FILE").pipe(Argument.withDescription("A log; - is standard input")),
  port: Flag.Int("port").pipe(
    Flag.withMetavar("P"),
    Flag.withDescription("The port to listen at on 127.0.0.1; 0 takes a free one"),
    Flag.withDefault(2525)
  ),
  session: Flag.Int("session").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("This session; without it all, one a connection"),
    Flag.optional
  ),
  pace: Flag.Literals("pace", ["immediate", "recorded"]).pipe(
    Flag.withDescription("Answers at once, or after as long as it took"),
    Flag.withDefault("immediate")
  ),
  ca: Flag.String("ca").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where to write the certificate for TLS, for the client to trust"),
    Flag.optional
  ),
  ...Input.reading
}
type Given = Command.Command.Config.Infer<typeof flags>

const indented = (text: string) => text.split("\n").map((line) => `  ${Printable.line(line)}`).join("\n")

/** One event of the replay, for a person. */
export const words = (progress: Replay.Progress): string => {
  const session = `session ${progress.session}`
  switch (progress._tag) {
    case "BeforeTcp":
      return Printable.line(`${session}: before there was a connection, ${progress.text} (this is not played)`)
    case "Accepted":
      return `connection ${progress.connection}: a client came, and meets ${session}`
    case "Finished":
      return `connection ${progress.connection}: over, as recorded\n${indented(progress.conversation)}`
    case "Departed":
      return `connection ${progress.connection}: the client said something else than was recorded\n${
        indented(progress.difference)
      }`
    case "Left":
      return `connection ${progress.connection}: the client left before the end\n${indented(progress.difference)}`
    case "NotPlayed":
      return Printable.line(`connection ${progress.connection}: ${progress.problem}`)
  }
}

const notReplayable = (file: string) => (error: Replay.ReplayError) =>
  new Report.InputFailed({ path: Input.nameOf(file), problem: `it can't be replayed: ${error.problem}` })

const withoutPort = (port: number) => (error: { readonly message: string }) =>
  Effect.andThen(
    Console.error(`colloquy: port ${port} can't be opened on 127.0.0.1: ${Printable.line(error.message)}`),
    new Exit.Exit({ status: Exit.status.unavailable })
  )

const replay = Effect.fnUntraced(function*(input: Given) {
  const fs = yield* FileSystem.FileSystem
  const events = yield* Stream.runCollect(Input.events([input.file], input))
  const options = {
    pace: input.pace,
    ...(Option.isSome(input.session) ? { session: input.session.value } : {})
  }
  const sessions = yield* Effect.mapError(Replay.sessions(events, options), notReplayable(input.file))
  const secured = sessions.every(({ isSecured }) => isSecured)
  const tls = yield* SelfSigned.make
  if (Option.isSome(input.ca)) {
    yield* Effect.mapError(
      fs.writeFileString(input.ca.value, tls.cert),
      (error) =>
        new Report.OutputFailed({ path: Option.getOrElse(input.ca, () => ""), problem: Files.problemOf(error) })
    )
  }
  const place = { host: "127.0.0.1", port: input.port, noDelay: true }
  const server: Layer.Layer<SocketServer, { readonly _tag: "SocketServerError"; readonly message: string }> = secured
    ? NodeSocketServer.layerTls({ ...place, key: Redacted.value(tls.key), cert: tls.cert })
    : NodeSocketServer.layer(place)
  const onProgress = (progress: Replay.Progress) => Console.log(input.json ? Printable.json(progress) : words(progress))
  return yield* Effect.gen(function*() {
    const { address } = yield* SocketServer
    const port = "port" in address ? address.port : input.port
    yield* Console.log(
      input.json
        ? Printable.json({ _tag: "Listening", port, secured, sessions })
        : `A recorded server listens on 127.0.0.1, port ${port}${
          secured ? ", with TLS from the first octet" : ""
        }: ${sessions.length} conversation${sessions.length === 1 ? "" : "s"}. Ctrl-C ends it.`
    )
    return yield* Replay.run(events, { ...options, tls, secured, onProgress })
  }).pipe(
    Effect.provide(server),
    Effect.catchTag("SocketServerError", withoutPort(input.port)),
    Effect.catchTag("ReplayError", (error) => Effect.fail(notReplayable(input.file)(error)))
  )
})

export const command = Command.make(
  "replay",
  flags,
  (input) => replay(input).pipe(Report.told({ json: input.json, conversationShown: false }))
).pipe(
  Command.withDescription(
    `Plays the server of a log at a port of this machine, for any client: what it said, its silence, its cuts. What the client says is compared with what was recorded, and the difference is shown. What happened before the connection is only told.

  TLS is played with a certificate of its own for localhost, which is written with --ca for the client to trust.`
  ),
  Command.withShortDescription("A recorded server at a port"),
  Command.withExamples([
    {
      command: "colloquy log replay customer.log --port 2525",
      description: "Then: colloquy send --server smtp://127.0.0.1:2525?tls=none …"
    }
  ])
)
