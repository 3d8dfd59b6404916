/** `colloquy log`: what can be done with a log, a file a command. */
import * as Command from "effect/cli/Command"
import { command as convert } from "./convert.ts"
import { command as diff } from "./diff.ts"
import { command as explain } from "./explain.ts"
import { command as list } from "./list.ts"
import { command as replay } from "./replay.ts"
import { report } from "./report.ts"
import { command as show } from "./show.ts"
import { command as stats } from "./stats.ts"

export const log = Command.make("log").pipe(
  Command.withDescription(
    "Reads logs, whoever wrote them: Colloquy's own text and JSON lines, 4D's, and the transcripts of swaks, MailKit, Nodemailer, PHPMailer and Exchange."
  ),
  Command.withShortDescription("Read, explain and replay logs"),
  Command.withSubcommands([show, list, explain, stats, report, replay, diff, convert])
)
