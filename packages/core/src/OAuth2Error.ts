/** Why there is no access token: what the token endpoint said, or why it could not be asked. No part of it holds a secret. */
import * as Schema from "effect/Schema"
import { escapeInPlain } from "./internal/log/escape.ts"
import { maskAddresses } from "./Redaction.ts"

/**
 * - "Configuration": an option cannot be used; nobody was asked.
 * - "Unreachable": no answer.
 * - "Refused": the endpoint says no (RFC 6749 §5.2), with `error` and its description where it gave them.
 * - "Unreadable": it answered, and not with a token as RFC 6749 §5.1 has it.
 */
export class OAuth2Error extends Schema.TaggedError<OAuth2Error>("@colloquy/core/OAuth2Error")("OAuth2Error", {
  kind: Schema.Literals(["Configuration", "Unreachable", "Refused", "Unreadable"]),
  /** The token endpoint's; its path and query are not shown. */
  host: Schema.String,
  /** In words; of a refusal the endpoint's `error_description`, as it was said but for known secrets. */
  problem: Schema.String,
  /** The HTTP status. */
  status: Schema.optionalKey(Schema.Int),
  /** `invalid_grant`. */
  error: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const { error, host, kind, problem, status } = this
    const said = maskAddresses(
      escapeInPlain([error, problem].filter((part) => part !== undefined && part !== "").join(": "))
    )
    const http = status === undefined ? "" : ` (HTTP ${status})`
    return {
      Configuration: `the OAuth2 token cannot be asked for: ${said}`,
      Unreachable: `${host} could not be asked for an OAuth2 token: ${said}`,
      Refused: `${host} gives no OAuth2 token: ${said}${http}`,
      Unreadable: `${host} gives no OAuth2 token that can be used: ${said}${http}`
    }[kind]
  }
  /** Asking again later may help. */
  get isTransient(): boolean {
    return this.kind === "Unreachable" || this.error === "temporarily_unavailable" || this.error === "server_error" ||
      (this.status !== undefined && (this.status === 429 || this.status >= 500))
  }
}
