// @effect-diagnostics missingLayerContext:off layerMergeAllWithDependencies:off missingEffectContext:off
import { LogSink, Redaction, SmtpLog, Transporter } from "@colloquy/core"
import { NodeColloquy } from "@colloquy/node"
import { Config, Context, Effect, Layer, Schedule } from "effect"

// Two transporters, two types: a mass mailing can never go out through the wrong one.
export class Transactional extends Transporter.Service<Transactional>()("app/Transactional") {}
export class Bulk extends Transporter.Service<Bulk>()("app/Bulk") {}

export class Accounts extends Context.Service<Accounts, {
  readonly welcome: (address: string) => Effect.Effect<"sent" | "bad address" | "later">
}>()("app/Accounts") {
  static readonly layerNoDeps = Layer.effect(
    Accounts,
    Effect.gen(function*() {
      const mail = yield* Transactional
      return {
        welcome: Effect.fn("Accounts.welcome")((address: string) =>
          mail.send({ from: "hello@shop.example", to: address, subject: "Welcome", html: "<p>Welcome!</p>" }).pipe(
            Effect.as("sent" as const),
            Effect.retry({ while: (error) => error.isRetryable, schedule: Schedule.exponential("1 second"), times: 3 }),
            Effect.catchReason("SmtpError", "RecipientsRefused", () => Effect.succeed("bad address" as const)),
            Effect.catchTag("SmtpError", (error) =>
              error.delivery === "Unknown"
                ? Effect.die(error)
                : Effect.as(Effect.logWarning(error.message), "later" as const))
          )
        )
      }
    })
  )
}

// The application's log, and a file of its own for Bulk: the types say which log a transporter has.
export const AppLog = SmtpLog.layerGlobal({ folder: "logs", redaction: Redaction.addresses })
const BulkLog = SmtpLog.layerTee([LogSink.file("bulk.log", { content: "headers" })])

export const Mail = Layer.mergeAll(
  Transactional.layerConfig(Config.nested(Transporter.config, "TRANSACTIONAL")),
  Bulk.layerConfig(Config.nested(Transporter.config, "BULK")).pipe(Layer.provide(BulkLog))
)

//    Layer<Accounts | Transactional | Bulk, …, SmtpLog | Connector | Platform>: the seams are in the type
export const App = Accounts.layerNoDeps.pipe(Layer.provideMerge(Mail))

// the short form: a property of the options
export const BulkShort = Bulk.layer({ host: "bulk.example", logFile: "bulk.log" })

// The mistake this shape exists for: beside, not beneath. It does not compile, because SmtpLog is still wanted.
// @ts-expect-error Type 'SmtpLog' is not assignable to type 'never'
export const wrong: Layer.Layer<Transactional | SmtpLog.SmtpLog, unknown> = Layer.mergeAll(
  SmtpLog.layerNone,
  Transactional.layer({ host: "mail.example" })
).pipe(Layer.provide(NodeColloquy.layer))

// Bulk code does not run on the transactional transporter
// @ts-expect-error
export const newsletter: Effect.Effect<unknown, unknown, Transactional> = Bulk.send({
  from: "a@b.example",
  to: "c@d.example"
})

// every reason in one place
export const explain = Transactional.send({ from: "a@b.example", to: "c@d.example" }).pipe(
  Effect.catchReasons("SmtpError", {
    AuthenticationFailed: (reason) => Effect.succeed(`${reason.mechanism}: ${reason.reply.text}`),
    CertificateRejected: (reason) => Effect.succeed(`${reason.servername}: ${reason.problem}`),
    MessageTooLarge: (reason) => Effect.succeed(`${reason.octets} > ${reason.limit}`)
  }, (reason, error) => Effect.succeed(`${reason._tag} in ${error.phase}`))
)
