/** The error of a message that no session had: nothing was said, nothing is on record, nobody has it. */
import type { Phase } from "../LogEvent.ts"
import { SmtpError, type SmtpErrorReason } from "../SmtpError.ts"

export const unsent = (reason: SmtpErrorReason, phase: Phase = "connect"): SmtpError =>
  new SmtpError({ reason, phase, delivery: "NotAccepted", recipients: [], conversation: [] })
