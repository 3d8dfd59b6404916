/**
 * What a transporter does to each message that it composes: signatures, and charsets where the message does not say.
 *
 * Keys and certificates are read once, when the transporter is built; one that cannot be used is told then, by the option's
 * name and without its content.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Dkim from "../Dkim.ts"
import type * as Message from "../Message.ts"
import type { MessageError } from "../MessageError.ts"
import { SmimeSigner } from "../SmimeSigner.ts"
import { InvalidConfiguration } from "../SmtpError.ts"
import type { Options } from "../Transporter.ts"
import { unsent } from "./unsent.ts"

export interface Signing {
  readonly prepare: Message.PrepareOptions
  readonly withDefaults: (draft: Message.Draft) => Message.Draft
}

const invalid = (option: string, problem: string) => unsent(new InvalidConfiguration({ option, problem }))

const fromMessage = (option: string) => (error: MessageError) => invalid(option, error.message)

const isSigner = (given: Dkim.Signer | Dkim.Options): given is Dkim.Signer => "sign" in given

export const makeSigning = Effect.fnUntraced(function*(options: Options) {
  const { bodyCharset, certificate, certificatePassword, headerCharset } = options
  const given = options.dkim === undefined ? [] : Array.isArray(options.dkim) ? options.dkim : [options.dkim]
  const dkim = yield* Effect.forEach(
    given,
    (one: Dkim.Signer | Dkim.Options) =>
      isSigner(one) ? Effect.succeed(one) : Effect.mapError(Dkim.make(one), fromMessage("dkim"))
  )
  const service = yield* Effect.serviceOption(SmimeSigner)
  const smime = certificate === undefined
    ? undefined
    : Option.isNone(service)
    ? yield* invalid("certificate", "this platform has no S/MIME signer: provide NodeColloquy.layer")
    : yield* Effect.mapError(service.value.make({ certificate, certificatePassword }), fromMessage("certificate"))
  const defaults = {
    ...(headerCharset === undefined ? {} : { headerCharset }),
    ...(bodyCharset === undefined ? {} : { bodyCharset })
  }
  const signing: Signing = {
    prepare: {
      ...(dkim.length === 0 ? {} : { dkim }),
      ...(smime === undefined ? {} : { smime })
    },
    withDefaults: headerCharset === undefined && bodyCharset === undefined
      ? (draft) => draft
      : (draft) => ({ ...defaults, ...draft })
  }
  return signing
})
