import { LogSink, type SmtpError, SmtpLog, Transporter } from "@colloquy/core"
import { NodeColloquy } from "@colloquy/node"
import { Context, Effect, Layer, LayerMap, Schedule } from "effect"
import { RateLimiter } from "effect/persistence"

// one transporter and one log file a tenant, closed when idle
export class Tenants extends LayerMap.Service<Tenants>()("app/Tenants", {
  lookup: (tenant: string) =>
    Transporter.layer({ host: `${tenant}.mail.example` }).pipe(
      Layer.provide(SmtpLog.layerTee([LogSink.file(`${tenant}.log`)]))
    ),
  idleTimeToLive: "5 minutes"
}) {}
export const tenants = Tenants.layer.pipe(Layer.provide(SmtpLog.layerGlobal()), Layer.provide(NodeColloquy.layer))
export const send = (tenant: string) =>
  Transporter.send({ from: "a@b.example", to: "c@d.example" }).pipe(Effect.provide(Tenants.get(tenant)))

// decorators
export class Mail extends Transporter.Service<Mail>()("app/Mail") {
  static readonly layerResilient = Layer.effect(
    Mail,
    Effect.gen(function*() {
      const first = yield* Transporter.make({ host: "a.example" })
      const second = yield* Transporter.make({ host: "b.example" })
      const limited = yield* Transporter.withRateLimit(Transporter.failover([first, second]), {
        limit: 100,
        window: "1 minute"
      })
      return Transporter.withRetry(limited, Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 3 })))
    })
  )
}
export const live = Mail.layerResilient.pipe(
  Layer.provide(RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory)))
)
export const reasons = (error: SmtpError.SmtpError) => Context.isContext(error) ? "" : error.reason._tag
