/** The login: wrong or unfit credentials, mechanisms, switched-off protocols, and logins that are missing. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  // Google
  {
    id: "authentication/google-bad-credentials",
    when: [
      { phase: ["auth"], code: [535], enhanced: ["5.7.8"], provider: ["google"] },
      { code: [535], tokens: ["BadCredentials"] }
    ],
    what: "Google refused user name and password.",
    causes: [
      "the password is wrong",
      "it is the account's own password: programs need an app password (two-step verification on) or OAuth",
      "the user name is not the whole mail address"
    ],
    todo: [
      "make an app password at myaccount.google.com/apppasswords and use it in place of the password",
      "or use OAuth (accessTokenOAuth2)",
      "check that the user is the whole address"
    ],
    ask: people.workspace,
    retryAfter: "never",
    sources: [source.google]
  },
  {
    id: "authentication/google-app-password",
    when: [
      { phase: ["auth"], code: [534], enhanced: ["5.7.9"], provider: ["google"] },
      { code: [534, 535], tokens: ["InvalidSecondFactor"] }
    ],
    what: "The Google account uses two-step verification: its own password is not accepted from a program.",
    causes: ["an app password is needed"],
    todo: ["make an app password at myaccount.google.com/apppasswords and use it", "or use OAuth (accessTokenOAuth2)"],
    ask: people.workspace,
    retryAfter: "never",
    sources: [`${source.google}; the page prints 5.7.90, the wire has 5.7.9`]
  },
  {
    id: "authentication/google-web-login",
    when: [{ code: [534, 535], tokens: ["WebLoginRequired", "5.7.14"], provider: ["google"] }, {
      phase: ["auth"],
      code: [534],
      enhanced: ["5.7.14"],
      provider: ["google"]
    }],
    what: "Google wants the account's owner to log in with a browser first.",
    causes: ["the login looked suspicious: a new place, or several failures", "the account's own password was used"],
    todo: ["log in with a browser and confirm", "use an app password or OAuth"],
    ask: people.workspace,
    retryAfter: "never",
    sources: [source.google]
  },
  {
    id: "authentication/google-not-logged-in",
    when: [
      { phase: ["mail", "rcpt"], code: [530], provider: ["google"] },
      { code: [530], tokens: ["WantAuthError"] }
    ],
    what: "Google wants a login, and none was made.",
    causes: ["no user and password are set", "the client did not use them"],
    todo: ["set user and app password, or a token"],
    retryAfter: "never",
    sources: [source.google]
  },
  {
    id: "authentication/google-relay-not-registered",
    when: [{
      provider: ["google"],
      code: [550, 421],
      enhanced: ["5.7.1", "4.7.0", "5.7.0"],
      words: ["credentials relay", "relay denied", "mail relay"]
    }],
    what: "Google's SMTP relay does not know this sender: neither its address nor its login is registered.",
    causes: ["the IP address is not in the relay's settings", "the From domain is not one of the organisation's"],
    todo: ["enter the IP address under Apps, Gmail, Routing, SMTP relay service", "send From one of your own domains"],
    ask: people.workspace,
    retryAfter: "never",
    sources: [source.google, "support.google.com/a/answer/2956491 (SMTP relay)"]
  },
  {
    id: "authentication/google-ehlo-name",
    when: [{
      phase: ["ehlo", "mail"],
      code: [421],
      provider: ["google"],
      words: ["later ehlo", "closing connection ehlo"]
    }, { phase: ["ehlo"], code: [421], provider: ["google"] }],
    what: "Google's relay refused the name that the client gave at EHLO.",
    causes: ["the name is localhost or another that is not the machine's own"],
    todo: ["set the client's name to its fully qualified domain name, or its public address in brackets"],
    retryAfter: "never",
    sources: ["support.google.com/a/answer/2956491 (SMTP relay)"]
  },
  // Microsoft 365
  {
    id: "authentication/microsoft-smtp-auth-disabled",
    when: [
      { code: [535], tokens: ["smtp_auth_disabled", "SmtpClientAuthentication"] },
      {
        phase: ["auth"],
        code: [535],
        enhanced: ["5.7.139"],
        provider: ["microsoft"],
        words: ["disabled tenant", "disabled mailbox"]
      }
    ],
    what: "SMTP login is switched off for this mailbox or for the whole organisation in Microsoft 365.",
    causes: ["SMTP AUTH is disabled for the tenant", "SMTP AUTH is disabled for the mailbox"],
    todo: [
      "have the administrator allow \"Authenticated SMTP\" for the mailbox (Microsoft 365 admin centre, Mail, Manage email apps)",
      "and, if the whole tenant has it off: Set-TransportConfig -SmtpClientAuthenticationDisabled $false"
    ],
    ask: people.tenant,
    retryAfter: "never",
    sources: ["aka.ms/smtp_auth_disabled", source.smtpAuth]
  },
  {
    id: "authentication/microsoft-security-defaults",
    when: [
      {
        phase: ["auth"],
        code: [535],
        enhanced: ["5.7.139"],
        provider: ["microsoft", "outlook.com"],
        words: ["did meet criteria", "not meet criteria", "security defaults", "conditional access", "policy"]
      }
    ],
    what: "Microsoft 365 refused the login by a policy (security defaults, conditional access), not for its password.",
    causes: ["security defaults or an access policy forbid logins by password", "the account needs a second factor"],
    todo: ["use OAuth (accessTokenOAuth2)", "have the administrator except this account from the policy"],
    ask: people.tenant,
    retryAfter: "never",
    sources: [source.smtpAuth]
  },
  {
    id: "authentication/microsoft-basic-disabled",
    when: [
      {
        provider: ["microsoft", "outlook.com"],
        code: [535, 550],
        enhanced: ["5.7.139", "5.7.30"],
        words: ["basic authentication", "basic auth"]
      },
      {
        phase: ["mail", "data", "verdict", "auth"],
        code: [550],
        enhanced: ["5.7.30"],
        words: ["basic authentication", "client submission"]
      }
    ],
    what: "Microsoft no longer takes user name and password (basic authentication) here.",
    causes: ["basic authentication is switched off: for Outlook.com since 2024, for Exchange Online step by step"],
    todo: [
      "use OAuth (accessTokenOAuth2)",
      "or High Volume Email, Azure Communication Services, or a relay of your own"
    ],
    ask: people.tenant,
    retryAfter: "never",
    sources: [source.smtpAuth, "aka.ms/smtp-auth-deprecation"]
  },
  {
    id: "authentication/microsoft-account-locked",
    when: [{
      provider: ["microsoft", "outlook.com"],
      phase: ["auth"],
      code: [535, 550],
      words: ["user locked", "account locked", "locked"]
    }],
    what: "Microsoft has locked this account.",
    causes: ["too many failed logins", "suspicious activity"],
    todo: ["log in with a browser", "have the administrator unlock the account"],
    ask: people.tenant,
    retryAfter: "hours",
    sources: [source.smtpAuth]
  },
  {
    id: "authentication/microsoft-bad-credentials",
    when: [
      { phase: ["auth"], code: [535], provider: ["microsoft", "exchange", "outlook.com"] },
      { phase: ["auth"], code: [535], enhanced: ["5.7.3"] }
    ],
    what: "Microsoft refused user name and password, or the token.",
    causes: [
      "the password is wrong or has expired",
      "the account has a second factor: its password is not accepted from a program",
      "SMTP AUTH is switched off for the mailbox",
      "a token for the wrong scope (SMTP.Send is needed) or for another user"
    ],
    todo: [
      "check the whole address as user, and the password, with a browser",
      "use OAuth (accessTokenOAuth2)",
      "ask whether SMTP AUTH is allowed for the mailbox"
    ],
    ask: people.tenant,
    retryAfter: "never",
    sources: [source.smtpAuth, source.ndr]
  },
  {
    id: "authentication/microsoft-not-logged-in",
    when: [
      { code: [530], enhanced: ["5.7.57"] },
      { code: [530], enhanced: ["5.7.1"], provider: ["exchange", "microsoft"] },
      { code: [530], tokens: ["SMTP; Client was not authenticated"] }
    ],
    what: "The Exchange server wants a login, and none was made.",
    causes: [
      "no user and password are set",
      "the login was not tried because TLS is off",
      "SMTP AUTH is not allowed for the mailbox"
    ],
    todo: ["set user and password or a token, with TLS", "send to the right host: smtp.office365.com, port 587"],
    ask: people.tenant,
    retryAfter: "never",
    sources: [source.ndr, source.smtpAuth]
  },
  // others
  {
    id: "authentication/ses-bad-credentials",
    when: [{ phase: ["auth"], code: [535], provider: ["ses"] }],
    what: "Amazon SES refused the SMTP credentials.",
    causes: [
      "AWS access keys were used: SES has SMTP credentials of its own, made from them",
      "the credentials are for another region than the endpoint",
      "they were deleted or mistyped"
    ],
    todo: ["make SMTP credentials in the SES console of the same region", "check the endpoint's region"],
    ask: "the owner of the AWS account",
    retryAfter: "never",
    sources: [source.ses]
  },
  {
    id: "authentication/ses-temporary",
    when: [{ phase: ["auth"], code: [454], provider: ["ses"] }],
    what: "Amazon SES could not check the login just now.",
    causes: ["trouble at SES", "too many connections log in at once"],
    todo: ["try again"],
    retryAfter: "seconds",
    sources: [source.ses]
  },
  {
    id: "authentication/ses-not-authorized",
    when: [{ provider: ["ses"], code: [554], words: ["not authorized perform", "access denied"] }, {
      code: [554],
      tokens: ["ses:SendRawEmail"]
    }],
    what: "The AWS user behind these SMTP credentials may not send.",
    causes: ["its IAM policy does not allow ses:SendRawEmail, or not for this identity"],
    todo: ["allow ses:SendRawEmail in the user's policy"],
    ask: "the owner of the AWS account",
    retryAfter: "never",
    sources: [source.ses]
  },
  {
    id: "authentication/icloud-app-password",
    when: [{ phase: ["auth"], code: [535], provider: ["icloud"] }],
    what: "iCloud refused user name and password.",
    causes: ["iCloud takes app-specific passwords only", "the user is not the whole iCloud address"],
    todo: ["make an app-specific password at account.apple.com and use it", "use the whole iCloud address as user"],
    retryAfter: "never",
    sources: [source.icloudPassword]
  },
  {
    id: "authentication/yahoo-app-password",
    when: [{ phase: ["auth"], code: [535], provider: ["yahoo"] }],
    what: "Yahoo refused user name and password.",
    causes: ["Yahoo and AOL take app passwords only", "too many failed logins"],
    todo: [
      "make an app password in the account's security settings and use it",
      "wait some hours if there were many tries"
    ],
    retryAfter: "never",
    sources: ["help.yahoo.com/kb/SLN15241.html (app passwords)", source.yahoo]
  },
  {
    id: "authentication/zoho-bad-credentials",
    when: [{ phase: ["auth"], code: [535], provider: ["zoho"] }],
    what: "Zoho refused user name and password.",
    causes: [
      "the password is wrong, or an app password is needed (two-factor login is on)",
      "the account lives in another data centre than the host: smtp.zoho.com, .eu, .in",
      "SMTP access is not part of the plan, or IMAP/SMTP access is off"
    ],
    todo: ["make an app-specific password", "use the host of the account's data centre", "switch SMTP access on"],
    retryAfter: "never",
    sources: [source.zoho]
  },
  {
    id: "authentication/sendgrid-bad-credentials",
    when: [{ phase: ["auth"], code: [535], provider: ["sendgrid"] }],
    what: "SendGrid refused the login.",
    causes: ["the user must be the word apikey, and the password an API key", "the key was deleted, or may not send"],
    todo: ["set user to apikey and the password to an API key with Mail Send permission"],
    retryAfter: "never",
    sources: [source.sendgrid]
  },
  {
    id: "authentication/mailgun-bad-credentials",
    when: [{ phase: ["auth"], code: [535], provider: ["mailgun"] }],
    what: "Mailgun refused the login.",
    causes: [
      "the SMTP password is not the API key: each domain has SMTP credentials of its own",
      "the account is in the other region (smtp.eu.mailgun.org)"
    ],
    todo: ["make SMTP credentials for the domain", "use the host of the account's region"],
    retryAfter: "never",
    sources: [source.mailgun]
  },
  {
    id: "authentication/china-authorization-code",
    when: [{ phase: ["auth"], code: [535, 526, 550], provider: ["qq", "netease", "aliyun"] }, {
      phase: ["auth"],
      code: [535, 550],
      words: ["authorization code", "user no permission"]
    }],
    what: "The service refused the login: programs need its own authorization code, and SMTP must be switched on.",
    causes: [
      "the account's password was used in place of the authorization code",
      "SMTP is off in the mailbox's settings",
      "too many logins in a short time"
    ],
    todo: ["switch SMTP on in the mailbox's settings", "use the authorization code made there as password"],
    retryAfter: "never",
    sources: ["help.mail.qq.com (authorization code)", "help.163.com (client authorization)"]
  },
  {
    id: "authentication/program-access-off",
    when: [{ phase: ["auth"], code: [535, 534, 530], provider: ["mail.ru", "yandex", "gmx", "t-online"] }, {
      phase: ["auth"],
      code: [535, 550, 554],
      words: [
        "access rights service",
        "application password",
        "app password",
        "app specific password",
        "application specific"
      ]
    }],
    what: "The service refused the login from a program.",
    causes: [
      "access by programs (IMAP, POP3, SMTP) is off in the mailbox's settings",
      "a password for programs (app password) is needed",
      "the password is wrong"
    ],
    todo: ["switch access for mail programs on in the mailbox's settings", "make an app password there and use it"],
    ask: people.provider,
    retryAfter: "never",
    sources: ["help.mail.ru/mail/security/protection/external", "yandex.com/support/mail", "hilfe.gmx.net (POP3/IMAP)"]
  },
  {
    id: "authentication/ip-not-allowed",
    when: [{
      phase: ["auth", "mail", "ehlo", "greeting"],
      code: [525, 535, 550, 554, 421],
      words: ["unauthorized ip", "ip not authorized", "ip not allowed", "address not authorised"]
    }],
    what: "The login is not allowed from this IP address.",
    causes: ["the account accepts only listed addresses", "the machine's address changed"],
    todo: ["add the machine's address to the account's list"],
    ask: people.provider,
    retryAfter: "never",
    sources: ["help.brevo.com (authorized IPs)", "RFC 5248"]
  },
  {
    id: "authentication/credits-spent",
    when: [{
      phase: ["auth", "mail", "verdict"],
      words: ["maximum credits exceeded", "credits exceeded", "insufficient credits", "out of credits"],
      code: [4, 5]
    }],
    what: "The account's credits are used up.",
    causes: ["the plan's quota is spent"],
    todo: ["buy credits, or wait for the next period"],
    ask: people.provider,
    retryAfter: "hours",
    sources: [source.sendgrid]
  },
  {
    id: "authentication/account-suspended",
    when: [
      {
        phase: ["auth", "mail", "rcpt", "verdict", "data"],
        code: [4, 5],
        words: [
          "account suspended",
          "account disabled",
          "account blocked",
          "sending paused",
          "account not activated",
          "outgoing blocked",
          "account deactivated"
        ],
        without: ["delivered", "mailbox", "recipient", "user unknown"]
      },
      { enhanced: ["5.7.13"], phase: ["auth"] },
      { code: [554], tokens: ["WASCL"], words: ["account"] }
    ],
    what: "The account may not send: it is suspended, or not yet active.",
    causes: ["the provider stopped it for complaints, bounces, or payment", "the account was not confirmed"],
    todo: ["log in at the provider and see what it says", "ask the provider"],
    ask: people.provider,
    retryAfter: "never",
    sources: [source.ses, source.zoho, source.mailgun, source.iana]
  },
  {
    id: "authentication/too-many-logins",
    when: [
      {
        phase: ["auth"],
        code: [421, 454, 535, 454, 550, 554],
        words: [
          "too many",
          "too often",
          "login limit",
          "rate limit",
          "many failed",
          "try again later",
          "temporarily blocked",
          "login frequency"
        ]
      },
      { phase: ["auth"], enhanced: ["4.7.0"], code: [454, 421], provider: ["google"], words: ["login attempts"] }
    ],
    what: "Too many logins: the server refuses further ones for a while.",
    causes: ["a wrong password was tried again and again", "every message makes a login of its own"],
    todo: ["stop trying, check the password, wait", "keep sessions open and send several messages over one"],
    ask: people.provider,
    retryAfter: "hours",
    sources: [source.google, source.yahoo]
  },
  {
    id: "authentication/temporary",
    when: [{ phase: ["auth"], code: [4] }, { phase: ["auth"], code: [454], enhanced: ["4.7.0"] }],
    what: "The server could not check the login just now. That says nothing about the password.",
    causes: ["the server's password check (its data base, its authentication service) is out of order"],
    todo: ["try again later", "tell the administrator if it lasts"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: [source.rfc4954, source.postfixSasl]
  },
  {
    id: "authentication/password-transition",
    when: [{ phase: ["auth"], code: [432] }, { phase: ["auth"], enhanced: ["4.7.12"] }],
    what: "The server wants the password to be set once by another mechanism or in a browser, before this one works.",
    causes: ["the server has no secret for this mechanism yet"],
    todo: ["log in once with PLAIN over TLS (authenticationMode), or in a browser"],
    ask: people.administrator,
    retryAfter: "never",
    sources: [source.rfc4954]
  },
  {
    id: "authentication/too-weak",
    when: [{ phase: ["auth"], code: [534] }, { phase: ["auth"], code: [5], enhanced: ["5.7.9"] }],
    what: "The server does not take this mechanism for this user: it is too weak.",
    causes: ["the user's account demands a stronger mechanism", "the provider wants an app password or OAuth"],
    todo: ["choose another mechanism (authenticationMode)", "see whether the provider wants an app password"],
    ask: people.provider,
    retryAfter: "never",
    sources: [source.rfc4954]
  },
  {
    id: "authentication/mechanism",
    when: [
      { phase: ["auth"], code: [504] },
      {
        phase: ["auth"],
        code: [500, 501, 502, 503, 535],
        words: [
          "unrecognized authentication",
          "unsupported authentication",
          "mechanism not",
          "invalid mechanism",
          "not supported",
          "not implemented"
        ]
      },
      { phase: ["auth"], enhanced: ["5.7.4", "5.5.4"] }
    ],
    what: "The server does not know this mechanism.",
    causes: ["a mechanism is fixed that this server does not offer", "the server offers it by mistake"],
    todo: ["leave the choice to the client, or fix one of those in the EHLO reply (authenticationMode)"],
    ask: people.administrator,
    retryAfter: "never",
    sources: [source.rfc4954]
  },
  {
    id: "authentication/not-advertised",
    when: [
      {
        phase: ["auth"],
        code: [503, 502, 500, 538],
        words: ["not advertised", "not enabled", "not available", "not supported", "unrecognized", "not permitted"]
      },
      { phase: ["auth"], code: [500, 502, 503] }
    ],
    what: "The server does not take logins here.",
    causes: [
      "on this port, or without TLS, it offers no login",
      "it is a server that receives mail (MX), not one for sending (port 25)"
    ],
    todo: [
      "use the port for submission with TLS (587 or 465)",
      "on a server that needs no login, leave user and password out"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: [source.eximServer, source.postfixSasl, source.rfc4954]
  },
  {
    id: "authentication/bad-data",
    when: [{ phase: ["auth"], code: [501] }],
    what: "The server could not read what the client sent to log in.",
    causes: ["the login was cancelled or malformed", "the server does not take the login in the AUTH line itself"],
    todo: ["try saslInitialResponse: false", "try another mechanism (authenticationMode)"],
    ask: people.administrator,
    retryAfter: "never",
    sources: [source.rfc4954]
  },
  {
    id: "authentication/oauth-token",
    when: [{
      phase: ["auth"],
      code: [535, 334, 5],
      words: ["invalid token", "token expired", "oauth", "authorization grant"]
    }],
    what: "The server refused the access token.",
    causes: ["the token has expired, or was taken back", "it is for another scope or another user"],
    todo: ["get a fresh token", "check scope and user"],
    ask: people.provider,
    retryAfter: "never",
    sources: ["RFC 7628 §3.2.2", source.sendgrid]
  },
  {
    id: "authentication/bad-credentials",
    when: [{ phase: ["auth"], code: [535] }, { phase: ["auth"], code: [5], enhanced: ["5.7.8"] }, {
      phase: ["auth"],
      code: [5],
      words: [
        "authentication failed",
        "authentication failure",
        "incorrect authentication",
        "invalid login",
        "bad username",
        "password incorrect"
      ]
    }],
    what: "The server refused user name and password.",
    causes: [
      "the password or the user name is wrong (often the whole mail address is wanted)",
      "the provider wants an app password or OAuth from programs",
      "logins by SMTP are switched off for the account",
      "it is the wrong server for this account"
    ],
    todo: ["check user, password and host", "see whether the provider wants an app password"],
    ask: people.provider,
    retryAfter: "never",
    sources: [source.rfc4954, source.postfixSasl, source.exim]
  },
  {
    id: "authentication/required",
    when: [
      { code: [530], phase: ["mail", "rcpt", "data", "verdict", "ehlo"] },
      {
        phase: ["mail", "rcpt", "data"],
        code: [550, 553, 554, 503, 501, 505, 535, 451],
        words: [
          "authentication required",
          "not logged in",
          "authenticate first",
          "smtp authentication",
          "need authenticate",
          "auth required",
          "must authenticate",
          "unauthenticated senders",
          "not authenticated",
          "authentication needed",
          "auth first",
          "client authenticated"
        ]
      },
      {
        phase: ["mail", "rcpt", "data", "verdict"],
        code: [5],
        enhanced: ["5.7.0"],
        authenticated: false,
        words: ["authenticat*"]
      }
    ],
    what: "The server wants a login before it takes this message, and none was made.",
    causes: [
      "no user and password are set",
      "the server offers the login only over TLS, and TLS is off",
      "it is the server for receiving mail, not for sending"
    ],
    todo: ["set user and password, with TLS", "use the port for submission (587 or 465)"],
    ask: people.administrator,
    retryAfter: "never",
    sources: [source.rfc4954, source.postfix]
  },
  {
    id: "authentication/too-few-iterations",
    when: [{ kind: ["LimitExceeded"], phase: ["auth"], tokens: ["saslIterations 4096"] }],
    what:
      "The client broke the login off: the server asked for so few rounds of SCRAM's password hash that the password could be guessed.",
    causes: ["the server's store of passwords is old", "somebody in between wants to guess the password: an attack"],
    todo: [
      "have the server store the password anew, with 4096 rounds or more",
      "over verified TLS, another mechanism: authenticationMode: \"PLAIN\""
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 7677 §4"]
  },
  {
    id: "authentication/too-many-iterations",
    when: [{ kind: ["LimitExceeded"], phase: ["auth"], tokens: ["saslIterations"] }],
    what:
      "The client broke the login off: the server asked for more rounds of SCRAM's password hash than the client will compute.",
    causes: [
      "the server's iteration count is set far too high",
      "the server, or somebody in between, wants to keep the client busy"
    ],
    todo: [
      "tell the administrator the count: i= in the challenge (in base64) of the evidence",
      "over verified TLS, another mechanism: authenticationMode: \"PLAIN\""
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5802 §9", "RFC 7677 §4"]
  },
  {
    id: "authentication/foreign-nonce",
    when: [{ kind: ["ProtocolViolation"], phase: ["auth"], words: ["nonce extend", "nonce", "somebody else attempt"] }],
    what:
      "The client broke the login off: the server's SCRAM challenge does not belong to this login, it answers another nonce than the client's.",
    causes: [
      "the server mixes logins up, or a proxy in between does",
      "somebody plays a recorded challenge back: an attack"
    ],
    todo: ["do not log in over this network until it is explained", "tell the administrator"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5802 §5.1"]
  },
  {
    id: "authentication/server-unproven",
    when: [{ kind: ["ProtocolViolation"], phase: ["auth"], words: ["prove knows password", "proven knows password"] }],
    what:
      "The client broke the login off: the server could not prove that it knows the password, so it may not be the server that it says it is.",
    causes: [
      "another machine answers in the server's place: an attack, or a wrong host",
      "the server's store of passwords is broken"
    ],
    todo: [
      "do not log in over this network until it is explained",
      "check host and certificate",
      "tell the administrator"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5802 §3"]
  },
  {
    id: "authentication/broken-off",
    when: [{ kind: ["ProtocolViolation", "LimitExceeded"], phase: ["auth"] }],
    what: "The client broke the login off: what the server sent for it does not fit the mechanism.",
    causes: ["the server's part of the mechanism is broken", "a proxy or firewall rewrites the dialogue"],
    todo: ["read the failure's own words in the evidence", "try another mechanism (authenticationMode)"],
    ask: people.administrator,
    retryAfter: "never",
    sources: [source.rfc4954]
  },
  {
    id: "authentication/no-common-mechanism",
    when: [{ kind: ["AuthenticationUnavailable/NoCommonMechanism", "AuthenticationUnavailable/NotOffered"] }],
    what: "Client and server have no way to log in in common.",
    causes: [
      "the server offers no login on this port, or none before TLS",
      "the mechanism that is fixed is not offered",
      "a token is set and the server takes passwords only, or the other way round"
    ],
    todo: [
      "use the port for submission with TLS (587 or 465)",
      "take authenticationMode away",
      "compare with AUTH in the EHLO reply"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 4954 §3"]
  },
  {
    id: "authentication/clear-text-forbidden",
    when: [{ kind: ["AuthenticationUnavailable/ClearTextForbidden"] }],
    what: "The client kept the credentials back: the connection is not protected by verified TLS.",
    causes: ["TLS is off, or could not be had", "the server's certificate could not be verified"],
    todo: [
      "set TLS to required or implicit",
      "have the certificate repaired, or vouch for it with tls: { ca } or tls: { pin }"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 4954 §4"]
  },
  {
    id: "authentication/credentials-unavailable",
    when: [{ kind: ["CredentialsUnavailable"] }],
    what: "The password or token could not be had, so no login was tried.",
    causes: ["the program that gives the secret failed: a vault, an OAuth service"],
    todo: ["see why the secret's source failed"],
    ask: people.developer,
    retryAfter: "seconds",
    sources: ["Colloquy, options password and accessTokenOAuth2"]
  }
]
