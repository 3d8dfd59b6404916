import { LogSink, LogText, Redaction, Sasl, SmtpLog, Transporter } from "@colloquy/core"
import { Array, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql/SqlClient"

// a mechanism of one's own: all it sends is Redacted, so it cannot leak
export const ticket = (value: Redacted.Redacted): Sasl.Mechanism =>
  Sasl.make({
    name: "X-TICKET",
    cleartext: true,
    start: () => ({ state: null, initial: value }),
    step: () => Effect.fail(new Sasl.SaslError({ mechanism: "X-TICKET", problem: "no challenge expected" })),
    complete: () => true
  })

// a log sink of one's own: batches, in order, and may fail
export const sqlSink = Effect.gen(function*() {
  const sql = yield* SqlClient
  return yield* LogSink.make({
    redaction: Redaction.and(Redaction.addresses, Redaction.subject),
    write: (events) =>
      sql`INSERT INTO smtp_log ${
        sql.insert(
          Array.map(events, (event) => ({ counter: event.counter, line: LogText.encode(event, { time: "utc" }) }))
        )
      }`
  })
})
export const layerSql: Layer.Layer<SmtpLog.SmtpLog, never, SqlClient> = SmtpLog.layer([sqlSink])

// a redaction policy of one's own
const customerNumbers = Redaction.text("customer numbers", (text) => text.replaceAll(/\bC-\d{6}\b/g, "C-******"))

export const transporter = Transporter.layer({
  host: "mail.example",
  authenticationMode: ticket(Redacted.make("…")),
  redaction: Redaction.and(Redaction.addresses, customerNumbers)
}).pipe(Layer.provide(layerSql))

// the flight recorder beside the console
export const recorder = SmtpLog.layer([
  LogSink.onFailure(LogSink.file("failures.log", { content: "full" })),
  LogSink.logger()
])
