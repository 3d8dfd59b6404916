// @effect-diagnostics globalConsole:off
import { SmtpError, Transporter } from "@colloquy/core"
import { NodeTransporter } from "@colloquy/node"
import { ManagedRuntime, Redacted } from "effect"

const runtime = ManagedRuntime.make(
  NodeTransporter.layer({
    host: "localhost",
    port: Number(process.env["SMTP_PORT"]),
    user: "me",
    password: Redacted.make(process.env["SMTP_PASSWORD"] ?? "")
  })
)

try {
  const receipt = await runtime.runPromise(
    Transporter.send({ from: "me@example.com", to: "you@example.org", text: "Hi" })
  )
  console.log(receipt.queueId)
} catch (error) {
  if (error instanceof SmtpError.SmtpError) console.error(error.message, error.isRetryable, error.conversation.length)
  else throw error
} finally {
  await runtime.dispose()
}
