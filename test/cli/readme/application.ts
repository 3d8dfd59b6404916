import { SmtpLog, Transporter } from "@colloquy/core"
import { NodeColloquy } from "@colloquy/node"
import { NodeRuntime } from "@effect/platform-node"
import { Config, Effect, Layer } from "effect"

// Mail through SMTP_URL, and every word that was said in logs/mail.log: numbered, timed, without the password.
const Mail = Transporter.layerConfig({ url: Config.Redacted("SMTP_URL") }).pipe(
  Layer.provide(SmtpLog.layerFile("mail.log")),
  Layer.provide(NodeColloquy.layer)
)

Transporter.send({ from: "shop@example.com", to: "ann@example.org", subject: "Welcome", text: "Good to have you." })
  .pipe(
    Effect.tap((receipt) => Effect.log(`queued as ${receipt.queueId}`)),
    Effect.catchReason("SmtpError", "RecipientsRefused", ({ reply }) => Effect.log(`no such mailbox: ${reply.text}`)),
    Effect.provide(Mail),
    NodeRuntime.runMain
  )
